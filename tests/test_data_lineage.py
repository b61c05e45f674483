"""Lineage is never lost: every line goes back to one seed, or is refused with the reason."""

import random

from data_case import line

from fencun.brief import parse_brief
from fencun.data.lineage import Descent, trace
from fencun.data.lines import FileLines, Line
from fencun.records import Draft
from fencun.scenario import Scenario


def child(scenario: Scenario, identity: str, parent: str, number: int = 1) -> Line:
    seed = line(scenario, identity).record
    draft = Draft(**{**seed.model_dump(), "parent": parent})
    return Line("drafts.jsonl", number, draft, parse_brief(scenario, draft.brief, strict=True))


def test_generations_count_births_in_any_order(scenario: Scenario) -> None:
    lines = [
        child(scenario, "d2", "d1"), line(scenario, "s1"), child(scenario, "d1", "s1"),
        line(scenario, "s2"), child(scenario, "d3", "s2"),
    ]  # fmt: skip
    lineage = trace(FileLines(lines, []))
    assert lineage.descent == {
        "s1": Descent("s1", 0), "d1": Descent("s1", 1), "d2": Descent("s1", 2),
        "s2": Descent("s2", 0), "d3": Descent("s2", 1),
    }  # fmt: skip
    assert [kept.id for kept in lineage.lines] == ["d2", "s1", "d1", "s2", "d3"]


def test_a_missing_parent_takes_its_descendants_along(scenario: Scenario) -> None:
    lines = [
        line(scenario, "s1"), child(scenario, "d1", "s9", 2), child(scenario, "d2", "d1", 3),
    ]  # fmt: skip
    lineage = trace(FileLines(lines, []))
    assert [kept.id for kept in lineage.lines] == ["s1"]
    assert [(bad.number, "s9" in bad.error.zh) for bad in lineage.bad] == [(2, True), (3, True)]


def test_circles_are_refused(scenario: Scenario) -> None:
    lines = [
        child(scenario, "d1", "d2", 1), child(scenario, "d2", "d3", 2),
        child(scenario, "d3", "d1", 3), child(scenario, "d4", "d4", 4),
        child(scenario, "d5", "d1", 5), line(scenario, "s1"),
    ]  # fmt: skip
    lineage = trace(FileLines(lines, []))
    assert [kept.id for kept in lineage.lines] == ["s1"]
    assert [bad.number for bad in lineage.bad] == [1, 2, 3, 4, 5]
    assert all("圈" in bad.error.zh for bad in lineage.bad)


def test_the_second_of_two_with_one_id_is_refused(scenario: Scenario) -> None:
    lines = [line(scenario, "s1"), child(scenario, "d1", "s1", 2), child(scenario, "d1", "s1", 7)]
    lineage = trace(FileLines(lines, []))
    assert [kept.id for kept in lineage.lines] == ["s1", "d1"]
    (bad,) = lineage.bad
    assert (bad.number, "重复" in bad.error.zh, "第 2 行" in bad.error.zh) == (7, True, True)


def test_parents_may_stand_in_another_file(scenario: Scenario) -> None:
    lineage = trace(FileLines([child(scenario, "d9", "d1")], []), {"s1": None, "d1": "s1"})
    assert lineage.descent["d9"] == Descent("s1", 2)


def test_a_line_of_descent_may_be_long(scenario: Scenario) -> None:
    """Ten thousand births, shuffled: no recursion, no quadratic walk."""
    count = 10_000
    lines = [line(scenario, "n0")]
    template = child(scenario, "n1", "n0")
    for at in range(1, count):
        record = template.record.model_copy(update={"id": f"n{at}", "parent": f"n{at - 1}"})
        lines.append(Line("drafts.jsonl", at, record, template.brief))
    random.Random(0).shuffle(lines)
    lineage = trace(FileLines(lines, []))
    assert lineage.descent[f"n{count - 1}"] == Descent("n0", count - 1)
    assert lineage.bad == []
