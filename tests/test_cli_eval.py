"""``fencun eval``, as typed: ballots out and in, and a verdict from what came back."""

import csv
import io
import json
from pathlib import Path

import pytest
from evaluate_study import answered_study
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.errors import FencunError
from fencun.evaluate.study import Study, find_study, studies, studies_dir
from fencun.files import sha256_file


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


def test_a_study_without_votes_lacks_evidence(study: Study) -> None:
    judged = told("verdict")
    assert (judged["votes"], judged["decision"]) == (0, "evidence")
    assert judged["blocks"][0]["votes"] == [140, 140]
    assert judged["votes_planned"] == judged["next_look"] == 140
    assert judged["comparisons"] == []


def test_votes_on_an_answer_that_changed_are_set_aside_and_named(study: Study) -> None:
    told("ballot", "open")
    path = study.folder / "paper.csv"
    run("ballot", "export", str(path))
    filled(path, 选择="右好")
    run("ballot", "import", str(path))
    run("ballot", "close")
    votes = study.votes()
    study.freeze_votes([votes[0].model_copy(update={"left_hash": "0" * 64}), *votes[1:]])
    # The ballot box holds what was really shown; a copy of the folder elsewhere does not.
    judged = Study(study.folder)
    from fencun.evaluate.verdict import judge, to_json

    assert to_json(judge(judged))["votes_set_aside"] == [votes[0].id]
    assert judge(judged).facts.votes < len(votes)


async def test_two_studies_with_one_name_must_be_told_apart(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fencun.evaluate.study.scenarios_dir", lambda: tmp_path / "shipped")
    other = await answered_study(
        tmp_path / "two", monkeypatch, name=str(tmp_path / "shipped/scene/study")
    )
    declared = json.loads((other.folder / "study.json").read_bytes()) | {"name": study.name}
    (other.folder / "study.json").write_text(json.dumps(declared), encoding="utf-8")
    with pytest.raises(FencunError, match="两个实验都叫"):
        find_study(study.name)
    assert find_study(str(other.folder)).folder == other.folder
    assert find_study(study.registration.fingerprint).folder == study.folder


def test_a_broken_line_of_votes_is_found(study: Study) -> None:
    (study.folder / "votes.jsonl").write_text('{"id": "v1"}\n', encoding="utf-8")
    ended = run("verdict", study.name)
    assert "votes.jsonl：第 1 行" in str(ended.exception)


def test_a_study_without_the_arms_that_matter_asks_for_no_votes(study: Study) -> None:
    path = study.folder / "study.json"
    declared = json.loads(path.read_bytes())
    declared["arms"] = [arm | {"role": None} for arm in declared["arms"]]
    path.write_text(json.dumps(declared), encoding="utf-8")
    manifest = json.loads((study.folder / "manifest.json").read_bytes())
    manifest["files"]["study.json"] = sha256_file(path)
    (study.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert told("verdict")["lacking_arms"] == ["prompt", "tuned"]
    shown = run("verdict", study.name).output
    assert "证据不够：实验里没有 prompt、tuned 组" in shown
    assert "还差" not in shown


def test_a_broken_study_hides_no_other(study: Study) -> None:
    (studies_dir() / "broken").mkdir()
    (studies_dir() / "broken" / "study.json").write_text("{", encoding="utf-8")
    assert study.name in [found.name for found in studies()]
    assert "broken" not in run("list").output
