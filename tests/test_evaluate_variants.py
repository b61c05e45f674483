"""The same request put differently means the same."""

import random

import pytest

from fencun.brief import parse_brief
from fencun.evaluate.variants import VARIANTS, vary
from fencun.files import read_jsonl
from fencun.scenario import Scenario


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_ask_for_the_same_in_another_way(name: str, scenario: Scenario) -> None:
    for number in range(20):
        plain = parse_brief(scenario, scenario.example)
        varied = vary(name, f"b{number}", plain)
        assert varied.lines() == vary(name, f"b{number}", plain).lines()
        assert varied.lines() != plain.lines()
        if name in ("reworded", "reordered", "mistyped"):
            for dimension in ("relation", "occasion", "style", "length"):
                assert varied.values[dimension] == plain.values[dimension]
        if name == "reordered":
            assert sorted(varied.lines().split("\n")) == sorted(plain.lines().split("\n"))


def test_rewording_never_changes_what_is_meant(scenario: Scenario) -> None:
    path = scenario.folder / "dataset" / "test.jsonl"
    rows = [row for _, row in read_jsonl(path) if isinstance(row, dict)]
    names = [dimension.name for dimension in scenario.dimensions]
    for row in random.Random(1).sample(rows, 60):
        plain = parse_brief(scenario, {name: row[name] for name in names})
        assert vary("reworded", row["id"], plain).values == plain.values
