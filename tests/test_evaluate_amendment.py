"""Rules can be changed afterwards: every change is kept and told, none is covered by the next."""

import json
from pathlib import Path

import pytest
from evaluate_study import answered_study, small_rules
from report_case import voted

from fencun.errors import FencunError
from fencun.evaluate.rules import VerdictRules, parse_rules, shipped_rules
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge, to_json

pytestmark = pytest.mark.usefixtures("fake_base")


@pytest.fixture
async def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return await answered_study(tmp_path, monkeypatch)


def beats(at: float) -> VerdictRules:
    declared = small_rules().model_dump(mode="json")
    declared["rules"]["beats"]["at"] = at
    return parse_rules(declared)


def test_a_change_is_shown_and_the_registration_stays(answered: Study) -> None:
    assert (answered.planned, answered.amended) == (140, "")
    with pytest.raises(FencunError, match="理由"):
        answered.amend(shipped_rules(), " ")
    with pytest.raises(FencunError, match="没什么可改"):
        answered.amend(small_rules(), "没有改")
    answered.amend(shipped_rules(), "原来的票数太少")
    assert "原来的票数太少" in answered.amended
    assert answered.rules.hash == shipped_rules().hash
    assert answered.planned > 140
    answered.check()  # the registration itself was not touched


def test_a_second_change_does_not_cover_the_first(answered: Study) -> None:
    """Who lowers a bar, looks, and puts it back has still looked."""
    answered.amend(beats(0.5), "太高了")
    voted(answered, 6)
    answered.amend(small_rules(), "还是原来的好")
    assert answered.rules.hash == small_rules().hash
    for told in ("当时已有 0 票：beats.at 0.55→0.5。理由：太高了", "beats.at 0.5→0.55"):
        assert told in answered.amended
    assert f"当时已有 {len(answered.votes())} 票" in answered.amended
    assert to_json(judge(answered))["rules_changed"] == answered.amended


def test_the_one_change_of_an_older_study_is_read(answered: Study) -> None:
    old = {"at": "2026-01-01", "votes": 7, "why": "旧", "rules": beats(0.6).model_dump(mode="json")}
    path = answered.folder / "rules.json"
    path.write_text(json.dumps(old), encoding="utf-8")
    assert "当时已有 7 票。理由：旧" in answered.amended
    answered.amend(small_rules(), "新")
    assert "理由：旧" in answered.amended
    assert "beats.at 0.6→0.55" in answered.amended
    path.write_text("[{", encoding="utf-8")
    with pytest.raises(FencunError, match=r"rules\.json 读不了"):
        _ = answered.amended


def test_rules_of_an_older_kind_are_replaced_and_that_is_said(answered: Study) -> None:
    path = answered.folder / "study.json"
    declared = json.loads(path.read_bytes())
    declared["rules"] = {"version": 1, "rules": {}}
    path.write_text(json.dumps(declared), encoding="utf-8")
    old = Study(answered.folder)
    assert "旧规则" in old.amended
    assert old.rules.hash == shipped_rules().hash
