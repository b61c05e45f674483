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
        "tact", "facts", "shape", "leak", "repetition", "favour",
    )  # fmt: skip
