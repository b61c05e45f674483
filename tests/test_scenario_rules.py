"""A case holds for the briefs that it names, and rules are off until they are declared."""

import pytest
from pydantic import ValidationError

from fencun.scenario import Case, Rules


def test_a_case_holds_where_every_dimension_has_one_of_its_values() -> None:
    case = Case(when={"remedy": ("退款", "补发"), "fault": "我们的错"})
    assert case.wanted("remedy") == ("退款", "补发")
    assert case.wanted("fault") == ("我们的错",)
    assert case.holds({"remedy": "补发", "fault": "我们的错", "to": "小林"})
    assert not case.holds({"remedy": "补发", "fault": "误会"})
    assert not case.holds({"fault": "我们的错"})  # of a brief without that field it says nothing
    assert not case.holds({"remedy": "", "fault": "我们的错"})


def test_a_value_that_contains_another_is_not_that_other() -> None:
    assert not Case(when={"remedy": "不退款"}).holds({"remedy": "退款"})


def test_a_case_without_conditions_holds_always() -> None:
    assert Case(refuse=("保证",)).holds({})
    assert Case(refuse=("保证",)).holds({"remedy": "退款"})


def test_patterns_of_rules_and_of_cases_must_compile() -> None:
    for declare in (lambda: Case(require=("(退",)), lambda: Rules(insults=("[骂",))):
        with pytest.raises(ValidationError, match="unterminated"):
            declare()
    with pytest.raises(ValidationError):
        Rules(max_emoji=-1)


def test_a_scenario_that_declares_nothing_is_neither_festive_nor_a_letter() -> None:
    rules = Rules()
    assert (rules.calendar, rules.letter) == (False, False)
    said = {name: value for name, value in rules if isinstance(value, tuple) and value}
    assert said == {}
