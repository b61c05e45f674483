from typing import Any

import pytest
from pydantic import ValidationError

from fencun.errors import RecordError
from fencun.records import Draft, Sample, Seed
from fencun.scenario import Scenario

ROW: dict[str, Any] = {
    "id": "s0001",
    "salutation": "老张",
    "relation": "同学室友",
    "detail": "大学总一起翻墙出去吃烧烤",
    "occasion": "初一拜年",
    "style": "俏皮调侃",
    "length": "短",
    "text": "老张，过年好，今年翻墙我垫后。",
    "tact": None,
    "why": "玩笑开在共同经历上",
}


def test_a_row_and_its_record_are_the_same(scenario: Scenario) -> None:
    seed = Seed.from_row(scenario, ROW)
    assert seed.brief["relation"] == "同学室友"
    assert Seed.from_row(scenario, seed.to_row()) == seed
    assert seed.to_row() == ROW


def test_a_record_cannot_be_changed(scenario: Scenario) -> None:
    with pytest.raises(ValidationError):
        Seed.from_row(scenario, ROW).text = "别的"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mood": "好"}, "mood"),
        ({"text": ""}, "text"),
        ({"text": 3}, "text"),
        ({"id": "../a"}, "id"),
        ({"tact": {"topic": "重病", "handling": "大声说"}}, "tact.handling"),
    ],
)
def test_a_malformed_row_names_its_field_and_line(
    scenario: Scenario, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(RecordError, match=f"第 1203 行.*{named}") as caught:
        Seed.from_row(scenario, {**ROW, **change}, line=1203)
    assert caught.value.line == 1203


def test_a_draft_needs_a_parent(scenario: Scenario) -> None:
    with pytest.raises(RecordError, match="parent"):
        Draft.from_row(scenario, ROW)
    assert Draft.from_row(scenario, {**ROW, "parent": "s0002"}).breeder == "author"


def test_the_content_hash_is_of_what_a_model_learns(scenario: Scenario) -> None:
    seed = Seed.from_row(scenario, ROW)
    assert Seed.from_row(scenario, {**ROW, "id": "x", "why": ""}).content_hash == seed.content_hash
    assert Seed.from_row(scenario, {**ROW, "style": "得体稳重"}).content_hash != seed.content_hash


def test_a_sample_keeps_its_lineage(scenario: Scenario) -> None:
    seed = Seed.from_row(scenario, ROW)
    row = {**ROW, "family": "s0001", "generation": 0, "hash": seed.content_hash}
    assert Sample.from_row(scenario, row).family == "s0001"
    with pytest.raises(RecordError, match="hash"):
        Sample.from_row(scenario, {**row, "hash": "no"})
