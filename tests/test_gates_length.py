import pytest
from gate_case import asked, marked

from fencun.gates.length import LengthGate, count_chars
from fencun.scenario import Scenario


def test_white_space_is_not_counted() -> None:
    assert count_chars(" 过年\n好，\t王老师　") == 7


@pytest.mark.parametrize(("length", "low", "high"), [("一句话", 10, 30), ("80字左右", 64, 96)])
def test_both_ends_of_a_range_pass(scenario: Scenario, length: str, low: int, high: int) -> None:
    brief = asked(scenario, length=length)
    for count in (low, high):
        assert marked(LengthGate(), "年" * count + " \n", brief) == []
    for count in (low - 1, high + 1):
        assert marked(LengthGate(), "年" * count, brief) == [("fault", "")]


def test_it_says_how_many_there_are_and_how_many_were_asked_for(scenario: Scenario) -> None:
    (short,) = LengthGate().check("王老师，过年好。", asked(scenario, length="一句话"))
    assert short.zh == "短了：8 字，要 10 到 30 字。"
    (empty,) = LengthGate().check(" \n", asked(scenario))
    assert empty.zh == "一个字也没有。"
