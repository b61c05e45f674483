from datetime import date

import pytest
from gate_case import asked, marked

from fencun.gates.calendar import CalendarGate, greeted_year, read_year
from fencun.scenario import Scenario


@pytest.fixture(scope="module")
def gate(scenario: Scenario) -> CalendarGate:
    return CalendarGate(scenario, date(2026, 11, 24))


@pytest.mark.parametrize(
    ("today", "animal", "stem_branch", "first_day"),
    [
        (date(2026, 11, 24), "羊", "丁未", date(2027, 2, 6)),
        (date(2027, 2, 5), "羊", "丁未", date(2027, 2, 6)),
        (date(2027, 2, 20), "羊", "丁未", date(2027, 2, 6)),
        (date(2027, 4, 1), "猴", "戊申", date(2028, 1, 26)),
        (date(2025, 7, 30), "马", "丙午", date(2026, 2, 17)),
    ],
)
def test_the_year_greeted(today: date, animal: str, stem_branch: str, first_day: date) -> None:
    year = greeted_year(today)
    assert (year.animal, year.stem_branch, year.first_day) == (animal, stem_branch, first_day)


@pytest.mark.parametrize("said", ["2027", "二〇二七", "二零二七", "二千零二十七"])
def test_years_are_read_in_every_script(said: str) -> None:
    assert read_year(said) == 2027


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("", "王老师，年糕蒸上了，牛年糕也好吃，鸡年货备齐了，马上到家。"),
        ("", "王老师，正月里去看您，腊月里忙，二月二剃头。"),
        ("她属羊，本命年", "王老师，羊年好，红绳系上。"),
        ("羊年要带孩子回家", "王老师，羊年大吉。"),
        ("我们马年认识的", "王老师，马年认识您，到现在没断。"),
        ("2月6日去她家拜年", "王老师，2月6日初一我去给您拜年。"),
        ("2027年要退休", "王老师，二〇二七年退休了我陪您钓鱼。"),
    ],
)
def test_right_lines_pass(gate: CalendarGate, scenario: Scenario, detail: str, text: str) -> None:
    assert marked(gate, text, asked(scenario, detail=detail)) == []


@pytest.mark.parametrize(
    ("detail", "text", "wrong"),
    [
        ("", "王老师，羊年大吉。", ["羊"]),
        ("", "王老师，祝您马到成功。", ["马"]),
        ("", "王老师，丁未年好。", ["丁未"]),
        ("", "王老师，2027年好。", ["2027"]),
        ("", "王老师，二〇二六年辛苦了。", ["二〇二六"]),
        ("", "王老师，2月6日见。", ["2月6日"]),
        ("马年要退休了", "王老师，马年大吉。", ["马"]),
        ("她属羊", "王老师，猴年大吉。", ["猴"]),
        ("2月6日除夕去她家", "王老师，2月6日除夕我去看您。", ["2月6日"]),
    ],
)
def test_unlicensed_or_wrong(
    gate: CalendarGate, scenario: Scenario, detail: str, text: str, wrong: list[str]
) -> None:
    brief = asked(scenario, detail=detail)
    assert marked(gate, text, brief) == [("fault", word) for word in wrong]


def test_the_right_day_is_told(gate: CalendarGate, scenario: Scenario) -> None:
    brief = asked(scenario, detail="2月6日除夕去她家")
    (finding,) = gate.check("王老师，2月6日除夕我去看您。", brief)
    assert finding.zh == "“2月6日”不对：除夕是2月5日。"
