from datetime import date

import pytest
from gate_case import asked, marked

from fencun.gates import Gates
from fencun.gates.calendar import CalendarGate, read_year
from fencun.scenario import Scenario


@pytest.fixture(scope="module")
def gate(scenario: Scenario) -> CalendarGate:
    return CalendarGate(scenario, date(2026, 11, 24))


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


@pytest.fixture(scope="module")
def on_the_eve(scenario: Scenario) -> CalendarGate:
    """The gate on 5 February 2027, the 29th of a twelfth month that has 29 days."""
    return CalendarGate(scenario, date(2027, 2, 5))


@pytest.mark.parametrize(
    ("fields", "text", "wrong"),
    [
        ({}, "王老师，腊月三十了，给您拜年，您歇着。", "腊月三十"),
        ({}, "王老师，正月初六我去看您。", "正月初六"),
        ({}, "王老师，腊月二十六我去看您。", "腊月二十六"),
        ({}, "王老师，八月十五的月饼我还记着。", "八月十五"),
        ({}, "王老师，马年，给您拜年。", "马"),
        ({"detail": "您属马"}, "王老师，马年给您拜年。", "马"),
        ({"detail": "我属马"}, "王老师，马年里您多保重。", "马"),
        ({"detail": "她是马年生的"}, "王老师，马年，给您拜年。", "马"),
        ({"occasion": "除夕"}, "王老师，今天大年初一，给您拜年。", "大年初一"),
        ({"occasion": "正月初五"}, "王老师，今天是大年初一，给您拜年。", "大年初一"),
        ({"occasion": "初一拜年"}, "王老师，今天初五，给您拜年。", "初五"),
        ({"occasion": "除夕"}, "王老师，今天是元宵，给您拜年。", "今天是元宵"),
        ({"occasion": "除夕"}, "王老师，今晚小年，给您拜年。", "今晚小年"),
        ({"occasion": "元宵"}, "王老师，今晚除夕，给您拜年。", "今晚除夕"),
        ({"detail": "您属马"}, "王老师，本命年给您拜年。", "本命年"),
        ({"occasion": "除夕"}, "王老师，明天初二，我去看您。", "初二"),
        ({"occasion": "正月初三"}, "王老师，昨天初一，没来成。", "初一"),
        ({"detail": "春节是2月17日"}, "王老师，春节是2月17日，我去看您。", "2月17日"),
    ],
)
def test_days_that_are_not_told_or_not_there(
    on_the_eve: CalendarGate, scenario: Scenario, fields: dict[str, str], text: str, wrong: str
) -> None:
    assert marked(on_the_eve, text, asked(scenario, **fields)) == [("fault", wrong)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "王老师，年三十了，大年三十的灯都亮着，给您拜年。"),
        ({}, "王老师，初六我去看您，过了正月十五再走。"),
        ({}, "王老师，腊月二十九了，今天除夕，给您拜年。"),
        ({"detail": "正月初六去看她"}, "王老师，正月初六我去看您。"),
        ({"detail": "那年腊月三十她来接我"}, "王老师，那年腊月三十您来接我。"),
        ({"detail": "她是马年生的"}, "王老师，马年生的人，走路都带风。"),
        ({"detail": "她属羊"}, "王老师，羊年给您拜年。"),
        ({"occasion": "正月初五"}, "王老师，今天正月初五，给您拜年。"),
        ({"occasion": "初一拜年"}, "王老师，大年初一，给您拜年。"),
        ({"occasion": "红包留言"}, "王老师，今天初三，给您拜年。"),
        ({"occasion": "走亲戚"}, "王老师，今天初四，我上门给您拜年。"),
        ({"occasion": "除夕"}, "王老师，明天大年初一，后天初二我去看您。"),
        ({"detail": "春节后2月17日开学"}, "王老师，春节后2月17日开学，我去看您。"),
    ],
)
def test_days_that_stand(
    on_the_eve: CalendarGate, scenario: Scenario, fields: dict[str, str], text: str
) -> None:
    assert marked(on_the_eve, text, asked(scenario, **fields)) == []


def test_a_day_in_traditional_characters(scenario: Scenario) -> None:
    found = Gates(scenario, today=date(2027, 2, 5)).check(
        "王老師，馬年，給您拜年。", asked(scenario)
    )
    assert [f.gate for f in found if f.severity == "fault" and f.start == 4] == ["calendar"]


def test_the_right_day_is_told(gate: CalendarGate, scenario: Scenario) -> None:
    brief = asked(scenario, detail="2月6日除夕去她家")
    (finding,) = gate.check("王老师，2月6日除夕我去看您。", brief)
    assert finding.zh == "“2月6日”不对：除夕是2月5日。"
