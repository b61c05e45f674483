"""``fencun eval``, as typed: ballots out and in, and a verdict from what came back."""

import json
from pathlib import Path

import pytest
from eval_case import printed, run
from evaluate_study import answered_study

from fencun.errors import FencunError
from fencun.evaluate.find import find_study, studies, studies_dir
from fencun.evaluate.registration import Registration
from fencun.evaluate.study import Study
from fencun.files import sha256_file


def test_a_study_without_votes_lacks_evidence(study: Study) -> None:
    judged = printed("verdict")
    assert (judged["votes"], judged["decision"]) == (0, "evidence")
    assert judged["blocks"][0]["votes"] == [140, 140]
    assert judged["votes_planned"] == judged["next_look"] == 140
    assert judged["comparisons"] == []


async def test_two_studies_with_one_name_must_be_told_apart(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fencun.evaluate.find.scenarios_dir", lambda: tmp_path / "shipped")
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
    manifest["fingerprint"] = Registration.model_validate(declared).fingerprint
    (study.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert printed("verdict")["lacking_arms"] == ["prompt", "tuned"]
    shown = run("verdict", study.name).output
    assert "证据不够：实验里没有 prompt、tuned 组" in shown
    assert "还差" not in shown


def test_a_broken_study_hides_no_other(study: Study) -> None:
    (studies_dir() / "broken").mkdir()
    (studies_dir() / "broken" / "study.json").write_text("{", encoding="utf-8")
    assert study.name in [found.name for found in studies()]
    assert "broken" not in run("list").output
