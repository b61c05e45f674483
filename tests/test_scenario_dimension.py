"""A field of a brief: told in short or in full, and known by every name that people have for it."""

from typing import Any

import pytest
from pydantic import ValidationError

from fencun.lunar import LunarDay
from fencun.mistakes import WrongError
from fencun.scenario import Choice, Dimension, Scenario

EVE_29, EVE_30 = LunarDay(12, 29), LunarDay(12, 30)


def dimension(**told: Any) -> Dimension:
    return Dimension(**{"name": "whom", "label": "对方", **told})


def wrong(**told: Any) -> str:
    """What is wrong with a dimension, in Chinese."""
    with pytest.raises(ValidationError) as raised:
        dimension(**told)
    error = raised.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, WrongError)
    return error.zh


def test_the_kind_is_told_by_what_there_is() -> None:
    assert dimension().kind == "text"
    assert dimension(choices=["朋友"]).kind == "choice"
    assert dimension(role="length", choices={"短": "5-20"}).kind == "length"
    assert dimension().en == "对方"


@pytest.mark.parametrize("said", ["20-60", "20..60", "20 到 60", "20至60", "20~60"])
def test_a_length_is_told_in_a_word(said: str) -> None:
    (choice,) = dimension(role="length", choices={"短": said}).choices
    assert choice.range is not None
    assert (choice.range.min, choice.range.max) == (20, 60)


def test_choices_are_words_names_or_mappings() -> None:
    told = {"朋友": "老铁", "同事": ["搭档"], "长辈": {"person": "您"}, "客户": None}
    choices = dimension(choices=told).choices
    assert [choice.all_names for choice in choices] == [
        ("朋友", "老铁"),
        ("同事", "搭档"),
        ("长辈",),
        ("客户",),
    ]
    assert [choice.person for choice in choices] == ["any", "any", "您", "any"]
    assert dimension(choices=["朋友", "同事"]).choices[1].en == "同事"


def test_what_does_not_agree_is_refused() -> None:
    assert wrong(kind="text", choices=["朋友"]) == "whom 是 text，不该有 choices"
    assert wrong(kind="choice") == "whom 是 choice，要有 choices"
    assert wrong(choices={"朋友": "老铁", "同学": {"loose": ["老铁"]}}) == "whom 里重复了：老铁"
    assert wrong(role="length", choices=["短"]) == "whom 的每一档都要有 range"
    assert wrong(choices=["朋友"], default="老铁") == "whom 的 default“老铁”不在 choices 里"


def test_a_choice_is_known_by_its_value_and_a_name_by_its_choice() -> None:
    whom = dimension(choices={"朋友": ["老铁", "閨蜜"], "同事": {"loose": ["熟人"]}})
    friend, colleague = whom.choices
    assert (whom.choice("朋友"), whom.choice("老铁")) == (friend, None)
    assert whom.names["老铁"] is friend
    assert whom.plain_names["闺蜜"] is friend  # whichever script the scenario was written in
    assert whom.names["熟人"] is colleague
    assert colleague.plain_loose == {"熟人"}


@pytest.mark.parametrize("days", ["13-1", "1-31", "0-5", "1-6..1-4", "初一", "1-4-1-6", "eve..1-1"])
def test_what_are_no_lunar_days_is_refused(days: str) -> None:
    with pytest.raises(ValidationError, match="no lunar days"):
        Choice(value="初一", en="first", days=(days,))


def test_a_choice_is_for_its_days_whatever_the_length_of_the_year() -> None:
    eve = Choice(value="除夕", en="eve", days=("eve",))
    assert eve.is_for(EVE_29, EVE_29)
    assert not eve.is_for(EVE_29, EVE_30)
    assert eve.first_day is None
    visits = Choice(value="走亲戚", en="visits", days=("1-2", "1-4..1-6"))
    assert visits.first_day == LunarDay(1, 2)
    days = [day for day in range(1, 9) if visits.is_for(LunarDay(1, day), EVE_30)]
    assert days == [2, 4, 5, 6]


def test_only_some_fields_have_days(scenario: Scenario) -> None:
    assert scenario.dimension("occasion").has_days
    assert not scenario.dimension("style").has_days
