"""``fencun eval ballot``: votes on paper, from open to verdict."""

import csv
import io
import json
from pathlib import Path

import pytest
from evaluate_study import answered_study
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.evaluate.study import Study


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return await answered_study(tmp_path, monkeypatch)


def run(*arguments: str) -> Result:
    words = ["eval", *arguments]
    return CliRunner().invoke(app_for(words), words)


def told(*arguments: str) -> dict:  # type: ignore[type-arg]
    ended = run(*arguments, "--json")
    assert ended.exit_code == 0, ended.output
    answer: dict = json.loads(ended.stdout)  # type: ignore[type-arg]
    return answer


def filled(path: Path, **cells: str) -> None:
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | cells for row in rows)
    path.write_text(out.getvalue(), encoding="utf-8")


def test_a_vote_on_paper_from_open_to_verdict(study: Study, tmp_path: Path) -> None:
    opened = told("ballot", "open", "--ballots", "10")
    assert opened["study"] == study.name
    assert opened["path"] in run("ballot", "open").output  # open already: the same link
    path = tmp_path / "ballots.csv"
    assert run("ballot", "export", str(path), "--raters", "3").exit_code == 0
    filled(path, 选择="左好")
    assert told("ballot", "import", str(path)) == {"taken": 30, "blank": 0, "errors": []}
    assert told("ballot", "list") == [  # type: ignore[comparison-overlap]
        {**opened, "closed": False, "raters": 3, "votes": 30, "ballots": 30}
    ]
    assert "30 票" in run("ballot", "close", study.name).output
    assert "没有开着的投票" in str(run("ballot", "close").exception)
    judged = told("verdict")
    assert (judged["votes"], judged["raters"], judged["decision"]) == (30, 3, "evidence")
    assert "证据不够：还差" in run("verdict", study.name).output


def test_bad_lines_of_paper_are_told_and_cost_no_good_one(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "ballots.csv"
    run("ballot", "export", str(path), "--study", study.name)
    filled(path, 选择="左好")
    text = path.read_text(encoding="utf-8").replace("左好", "随便", 1)
    path.write_text(text, encoding="utf-8")
    ended = run("ballot", "import", str(path))
    assert ended.exit_code == 1
    assert "第 2 行" in ended.output
    assert "收下 29 票" in ended.output
