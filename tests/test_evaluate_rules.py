"""The rules of the verdict are data: hashed, refused where not whole, read as sentences."""

import pytest
from decide_case import RULES

from fencun.errors import FencunError
from fencun.evaluate.decide import PURPOSES
from fencun.evaluate.rules import load_rules, parse_rules


def test_every_rule_stands_in_one_group() -> None:
    grouped = [rule for rules in PURPOSES.values() for rule in rules]
    assert sorted(grouped) == sorted(RULES.rules)


def test_rules_are_data_and_changing_one_changes_the_hash() -> None:
    declared = RULES.model_dump()
    assert parse_rules(declared).hash == RULES.hash
    declared["rules"]["beats"]["at"] = 0.51
    assert parse_rules(declared).hash != RULES.hash
    del declared["rules"]["beats"]
    with pytest.raises(FencunError, match="beats"):
        parse_rules(declared)


def test_rules_that_cannot_be_read_say_where(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(FencunError, match=r"none\.yaml"):
        load_rules(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: [", encoding="utf-8")
    with pytest.raises(FencunError, match=r"bad\.yaml"):
        load_rules(bad)


def test_every_rule_reads_as_a_sentence() -> None:
    for rule in RULES.rules.values():
        assert "{" not in rule.told.zh + rule.told.en
