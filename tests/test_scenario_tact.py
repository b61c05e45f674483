"""A sensitive matter is betrayed by its cues, unless something says that it is another."""

import pytest
from pydantic import ValidationError

from fencun.scenario import Scenario, TactTopic

ILL = TactTopic(  # type: ignore[call-arg]  # en is filled in
    name="重病", cues=("住院", "化疗"), unless=("看望.{0,4}病人", "出院三年")
)


def test_cues_betray_it_and_what_speaks_against_it_wins() -> None:
    assert ILL.holds({"住院"}, "上个月住院了")
    assert not ILL.holds(set(), "上个月住院了")  # cues are found by whoever reads the detail
    assert not ILL.holds({"离婚"}, "离婚了")
    assert not ILL.holds({"住院", "化疗"}, "他化疗住院，出院三年了")
    assert not ILL.stands("一起去看望一个病人")
    assert ILL.stands("一起去看望老师")


def test_a_matter_is_left_unsaid_unless_it_is_told_otherwise() -> None:
    assert (ILL.handling, ILL.en) == ("不提", "重病")
    with pytest.raises(ValidationError, match="'不提' or '轻提'"):
        TactTopic(name="重病", en="illness", cues=("住院",), handling="提")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="cues"):
        TactTopic(name="重病", en="illness")  # type: ignore[call-arg]


def test_a_detail_may_betray_several_in_the_order_declared(scenario: Scenario) -> None:
    order = [topic.name for topic in scenario.tact]
    found = [topic.name for topic in scenario.topics_in("他去年被裁员，又和老婆离婚了")]
    assert {"失业裁员", "离婚分手"} <= set(found)
    assert found == sorted(found, key=order.index)
    assert scenario.topics_in("一起打了三年篮球") == ()
