"""What is asked for when a person wants the same, shorter or lighter."""

import pytest

from fencun.scenario import Dimension, Scenario
from fencun.web.errors import InvalidError
from fencun.web.rewrite import changed, changes


def tiny(scenario: Scenario) -> Scenario:
    one = Dimension(name="who", label="谁", en="Who", kind="text")
    declared = {name: getattr(scenario, name) for name in Scenario.model_fields}
    return Scenario.model_construct(**declared | {"dimensions": (one,)})


def test_a_scenario_offers_what_its_dimensions_allow(scenario: Scenario) -> None:
    assert changes(scenario) == ("redraw", "shorter", "lighter")
    assert changes(tiny(scenario)) == ("redraw",)
    with pytest.raises(InvalidError):
        changed(tiny(scenario), {}, "shorter", "过年好" * 20)


def test_redraw_asks_for_the_very_same(scenario: Scenario) -> None:
    asked = {"salutation": "王老师", "length": "中"}
    assert changed(scenario, asked, "redraw", "过年好") == asked


def test_shorter_is_three_quarters_of_what_is_there(scenario: Scenario) -> None:
    assert changed(scenario, {"length": "长"}, "shorter", "年 " * 100)["length"] == "75字以内"
    with pytest.raises(InvalidError, match="已经只有 15 字"):
        changed(scenario, {}, "shorter", "年" * 15)


def test_lighter_keeps_the_words_and_is_said_once(scenario: Scenario) -> None:
    once = changed(scenario, {"style": "幽默一点"}, "lighter", "过年好")
    assert once["style"] == "幽默一点，轻一点，少说半句"
    assert changed(scenario, once, "lighter", "过年好") == once
    assert changed(scenario, {}, "lighter", "过年好")["style"].startswith("真诚走心，")
    long = changed(scenario, {"style": "温" * 40}, "lighter", "过年好")
    style = scenario.role("style")
    assert style is not None
    assert len(long["style"]) <= style.max_chars
    assert "轻一点" in long["style"]
