import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from gate_case import asked

from fencun.brief import parse_brief
from fencun.errors import RecordError
from fencun.files import read_jsonl
from fencun.gates import Finding, Gates, passes
from fencun.scenario import Scenario

_ANSWERS = Path(__file__).parent / "data" / "answers.jsonl"
# Invented events need somebody who reads; the gate sees figures, names and places only.
_BEYOND = {"facts"}


@pytest.fixture(scope="module")
def gates(scenario: Scenario) -> Gates:
    return Gates(scenario, today=date(2026, 11, 24))


def answers(scenario: Scenario, gates: Gates) -> list[tuple[str, set[str], list[Finding]]]:
    """Id, the gates that a reader named, and the findings, of every labelled answer."""
    names = [dimension.name for dimension in scenario.dimensions]
    found = []
    for _, row in read_jsonl(_ANSWERS):
        assert not isinstance(row, RecordError)
        brief = parse_brief(scenario, {name: row[name] for name in names})
        found.append((row["id"], set(row["wrong"]), gates.check(row["text"], brief)))
    return found


def test_good_lines_pass(scenario: Scenario, gates: Gates) -> None:
    """A gate that refuses good lines is a wrong gate: of those written by hand none is refused."""
    names = [dimension.name for dimension in scenario.dimensions]
    refused, doubted, count = [], 0, 0
    for file in ("seeds.jsonl", "drafts.jsonl"):
        for _, row in read_jsonl(scenario.folder / file):
            assert not isinstance(row, RecordError)
            brief = parse_brief(scenario, {name: row[name] for name in names}, strict=True)
            found = gates.check(row["text"], brief)
            count += 1
            doubted += bool(found)
            if not passes(found):
                refused.append((row["id"], [f.zh for f in found]))
    assert count > 3000
    assert refused == []
    assert doubted <= count // 100


def test_real_answers_of_a_small_model_are_seen_through(scenario: Scenario, gates: Gates) -> None:
    """Answers of the embedded model, each labelled by reading it (docs/gates.md)."""
    right, extra, missed = Counter[str](), Counter[str](), Counter[str]()
    for _, wrong, found in answers(scenario, gates):
        marked = {finding.gate for finding in found}
        right.update(wrong & marked)
        extra.update(marked - wrong)
        missed.update(wrong - marked - _BEYOND)
    assert right.total() >= 180
    assert right.total() / (right.total() + extra.total()) > 0.97
    assert right.total() / (right.total() + missed.total()) > 0.95


def test_an_answer_with_something_wrong_is_refused(scenario: Scenario, gates: Gates) -> None:
    doubted_only = {"bare-14", "bare-38", "prompt-23-0", "prompt-44-1"}
    doubted_only |= {"prompt-02-0", "prompt-11-1", "prompt-20-0", "prompt-59-1"}  # copied in part
    for name, wrong, found in answers(scenario, gates):
        if wrong - _BEYOND and name not in doubted_only:
            assert not passes(found), name


def test_faults_come_first_then_by_place(gates: Gates, scenario: Scenario) -> None:
    text = "王老师，您好！希望您别太累。祝你万事如意、心想事成、步步高升。"
    found = gates.check(text, asked(scenario))
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities, key=["fault", "doubt"].index)
    faults = [finding for finding in found if finding.severity == "fault"]
    assert [f.start for f in faults] == sorted(f.start for f in faults)
    assert {f.gate for f in found} >= {"person", "cliche"}


def test_doubts_alone_pass() -> None:
    doubt = Finding("facts", "doubt", 0, 1, "像是编的。", "Invented.")
    assert passes([])
    assert passes([doubt])
    assert not passes([doubt, Finding("length", "fault", 0, 0, "短了。", "Short.")])


def test_lone_surrogates_are_found_not_raised(gates: Gates, scenario: Scenario) -> None:
    found = gates.check("王老师，过年好\ud800。", asked(scenario))
    assert any(finding.gate == "leak" and finding.start == 7 for finding in found)


def test_today_may_be_given_or_follow_the_clock(scenario: Scenario) -> None:
    brief = asked(scenario, detail="他属马，明年本命年")
    text = "王老师，马年大吉。"
    given = Gates(scenario, today=date(2025, 12, 1)).check(text, brief)
    assert "calendar" not in {finding.gate for finding in given}
    later = Gates(scenario, today=date(2026, 12, 1)).check(text, brief)
    assert "calendar" in {finding.gate for finding in later}


def test_names_are_those_of_the_findings(gates: Gates) -> None:
    assert gates.names == (
        "length", "person", "salutation", "cliche", "copying", "calendar",
        "tact", "facts", "shape", "leak", "repetition", "favour", "rule",
    )  # fmt: skip


def _salutations() -> list[dict[str, str]]:
    lines = (Path(__file__).parent / "data" / "salutations.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.parametrize("fields", _salutations(), ids=lambda fields: str(fields["salutation"]))
def test_what_the_other_is_called_is_no_fault(scenario: Scenario, fields: dict[str, str]) -> None:
    brief = asked(scenario, detail="小时候常一起爬树掏鸟窝", length="一句话", **fields)
    name = brief.value("salutation")
    text = f"{name}，树还在，过年好，天冷多穿点。"
    assert [str(f) for f in Gates(scenario).check(text, brief) if f.severity == "fault"] == []


def test_faults_beside_a_name_stay(scenario: Scenario) -> None:
    gates = Gates(scenario)
    brief = asked(scenario, salutation="🎉🎉老周", relation="发小")
    found = gates.check("🎉🎉老周🎉，值此佳节🎉，给你拜年。", brief)
    assert {(f.gate, f.start) for f in found if f.severity == "fault"} >= {
        ("shape", 10), ("cliche", 6),
    }  # fmt: skip
    opening = asked(scenario, salutation="总之", relation="发小")
    found = gates.check("总之，新的一年，给你拜年。", opening)
    assert [str(f) for f in found if f.gate == "cliche"] == ["套话开场：“新的一年”。"]


def test_what_the_detail_says_itself_is_no_cliche(scenario: Scenario) -> None:
    gates = Gates(scenario)
    text = "王老师，您那句幸福美满贴在门上，合作愉快也贴着，给您拜年，您多保重，过几天我上门看您。"
    told = asked(scenario, detail="他开店时写的字：幸福美满、合作愉快")
    assert [f.gate for f in gates.check(text, told)] == []
    assert {f.gate for f in gates.check(text, asked(scenario))} == {"cliche", "favour"}


def test_traditional_characters_are_read(scenario: Scenario) -> None:
    brief = asked(scenario, salutation="王老師", relation="高中班主任", detail="他去年離婚了")
    text = "王老師，天冷，給您拜年，萬事如意，闔家歡樂，身體健康，離婚的事過去了，您多保重。"
    found = {
        (f.gate, text[f.start : f.end]) for f in Gates(scenario).check(text, brief)
        if f.severity == "fault"
    }  # fmt: skip
    assert {("cliche", "萬事如意，闔家歡樂，身體健康"), ("tact", "離婚")} <= found
    assert not {gate for gate, _ in found} & {"salutation", "person", "length"}
