"""Reading blind as typed: sheets out, grades in."""

import json
from pathlib import Path

import pytest
from evaluate_study import answered_study
from reading_case import ASKED, lines_of
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.evaluate.beside import beside
from fencun.evaluate.report import write_report
from fencun.evaluate.show_beside import read_tables
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge
from fencun.files import write_jsonl


def run(*arguments: str) -> Result:
    words = ["eval", *arguments]
    return CliRunner().invoke(app_for(words), words)


async def test_reading_a_study_as_typed_and_reads_are_never_votes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = await answered_study(tmp_path, monkeypatch)
    sheet, scene = tmp_path / "sheet.jsonl", ("--scenario", str(study.scenario.folder))
    ended = run("read", "sheet", "--study", study.name, "--out", str(sheet), *scene)
    assert ended.exit_code == 0, ended.output
    grades = tmp_path / "grades.jsonl"
    write_jsonl(grades, [line | {"grade": 2} for line in lines_of(sheet)])
    out = study.folder / "reads.jsonl"
    words = ("--sheet", str(sheet), "--key", str(sheet.with_suffix(".key.json")),
             "--grades", str(grades), "--reader", "某模型", "--out", str(out))  # fmt: skip
    assert "person 或 ai" in str(run("read", "take", *words, "--kind", "machine").exception)
    assert "永远不算票" in run("read", "take", *words, "--kind", "ai").output
    told = run("read", "report", str(out), *scene).output
    assert "某模型 是 AI，不是人" in told
    as_json = json.loads(run("read", "report", str(out), *scene, "--json").stdout)
    assert as_json["kinds"]["ai"]["arms"]["tuned"]["single"]["share"] == 1.0
    assert [tail["phrase"] for tail in as_json["tails"]["tuned"]]
    assert_told_beside(study)


def assert_told_beside(study: Study) -> None:
    """What an AI read stands in a column of its own, and the verdict does not know of it."""
    judged = judge(study)
    assert (judged.facts.votes, judged.ruling.decision) == (0, "evidence")
    (table,) = read_tables(beside(judged))
    assert "某模型 是 AI，不是人；这些不是票。" in table.title
    assert table.heads == study.arms
    assert dict(table.rows)["单条能照发"][2].startswith("100%")
    html, markdown = write_report(study)
    for page in (html, markdown):
        text = page.read_text(encoding="utf-8")
        assert "读过，没投票" in text or page is markdown
        assert "某模型 是 AI，不是人；这些不是票。" in text
    assert json.loads(run("verdict", study.name, "--json").stdout)["votes"] == 0
    assert study.votes() == []
    assert json.loads(run("verdict", study.name, "--json").stdout)["votes"] == 0
    assert study.votes() == []


def test_an_arm_may_be_renamed_and_a_name_with_a_sign_is_still_a_file(tmp_path: Path) -> None:
    odd = tmp_path / "a=b.jsonl"
    write_jsonl(odd, [{"id": "1", **ASKED, "arm": "tuned", "text": "一。"}])
    out = tmp_path / "sheet.jsonl"
    ended = run("read", "sheet", "--answers", f"old={odd}", "--answers", str(odd),
                "--out", str(out), "--json")  # fmt: skip
    assert json.loads(ended.stdout)["texts"] == 1
    key = json.loads(out.with_suffix(".key.json").read_text(encoding="utf-8"))
    assert [shown["arm"] for shown in key["texts"][0]["shown"]] == ["old", "tuned"]
