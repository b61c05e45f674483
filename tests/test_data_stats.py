"""The figures are those that one would count by hand."""

import pytest
from data_case import ONE, TWO

from fencun.data.likeness import nearest
from fencun.data.lines import Line
from fencun.data.overlap import GRAM
from fencun.data.stats import distinct, measure
from fencun.grams import gram_set, words_only
from fencun.scenario import Scenario


def test_lengths_openings_and_endings(scenario: Scenario, lines: list[Line]) -> None:
    stats = measure(scenario, lines)
    assert stats.lines == 4
    (length,) = stats.lengths
    assert (length.value, length.lines) == ("一句话", 4)
    assert (length.least, length.most) == (16, 25)
    assert length.kept == 1
    assert dict(stats.openings)["窗台上那盆水"] == 0.25
    assert dict(stats.formulas)["门口的"] == 0.25
    assert "来您看得清道" in stats.endings[1][0]


def test_cliches_are_counted_per_thousand_lines(scenario: Scenario, lines: list[Line]) -> None:
    clean = measure(scenario, lines[:2])
    spoiled = measure(scenario, lines)
    assert clean.cliches_per_thousand == 0
    assert spoiled.cliches_per_thousand >= 250
    assert spoiled.cliches_per_thousand % 250 == 0


def test_distinct_n_is_that_of_the_paper() -> None:
    assert distinct(["一二一二", "一二。"], 1) == pytest.approx(2 / 6)
    assert distinct(["一二一二", "一二。"], 2) == pytest.approx(2 / 4)
    assert distinct([], 2) == 0


def test_likeness_is_to_the_nearest_other_line() -> None:
    texts = [ONE, ONE.replace("水仙", "君子兰"), TWO]
    sets = [gram_set(words_only(text), GRAM) for text in texts]
    expected = [
        max(len(a & b) / len(a) for at, b in enumerate(sets) if at != place)
        for place, a in enumerate(sets)
    ]
    assert nearest(texts) == pytest.approx(expected)
    assert nearest([ONE]) == [0.0]


def test_tact_and_direction(scenario: Scenario, lines: list[Line]) -> None:
    stats = measure(scenario, lines)
    assert stats.tact_share == 0.25
    divorce = next(row for row in stats.tact if row.topic == "离婚分手")
    assert (divorce.lines, divorce.unspoken, divorce.light, divorce.named) == (1, 1, 0, 0)
    parents = next(row for row in stats.directions if row.audience == "父母")
    assert (parents.lines, parents.pronouns, parents.agree) == (2, {"您": 2}, 1)
    assert (parents.passing, parents.clean) == (1, 1)
    brother = next(row for row in stats.directions if row.audience == "兄弟姐妹")
    assert brother.passing == 0


def test_nothing_has_statistics_too(scenario: Scenario) -> None:
    stats = measure(scenario, [])
    assert stats.lines == 0
    assert stats.likeness["most"] == 0
