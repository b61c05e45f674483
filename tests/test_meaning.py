from datetime import date

import pytest

from fencun.brief import Brief, parse_brief
from fencun.errors import BriefError
from fencun.lunar import LunarDay
from fencun.scenario import Scenario

TODAY = date(2027, 2, 1)


def meant(scenario: Scenario, field: str, typed: str, today: date = TODAY) -> Brief:
    return parse_brief(scenario, {**scenario.example, field: typed}, today=today)


@pytest.mark.parametrize(
    ("typed", "value", "note"),
    [
        ("腊月三十", "除夕", "今晚是除夕。"),
        ("臘月三十", "除夕", "今晚是除夕。"),
        ("腊月廿九", "除夕", "今晚是除夕。"),
        ("大年三十", "除夕", "今晚是除夕。"),
        ("腊月廿三", "小年", "今天是小年。"),
        ("腊月二十八", "提前拜早年", "年还没到，先拜个早年。"),
        ("正月初一", "初一拜年", "今天是大年初一。"),
        ("正月初三", "走亲戚", "今天上门走亲戚。"),
        ("大年初二", "走亲戚", "今天上门走亲戚。"),
        ("年初五", "初一拜年", "今天是正月初五。"),
        ("初六拜年", "初一拜年", "今天是正月初六。"),
        ("正月初八", "开工", "年过完了，今天头一天上班。"),
        ("正月十五", "元宵", "今天是元宵。"),
        ("正月 十五", "元宵", "今天是元宵。"),
        ("腊月十五", "提前拜早年", "年还没到，先拜个早年。"),
        ("腊月初二", "提前拜早年", "年还没到，先拜个早年。"),
        ("2月5日", "除夕", "今晚是除夕。"),
        ("2月9号", "初一拜年", "今天是正月初四。"),
        ("正月3日", "走亲戚", "今天上门走亲戚。"),
        ("腊月23号", "小年", "今天是小年。"),
        ("腊月二十三日", "小年", "今天是小年。"),
        ("年廿三", "小年", "今天是小年。"),
        ("廿八", "提前拜早年", "年还没到，先拜个早年。"),
        ("2月20", "元宵", "今天是元宵。"),
        ("1月15", "提前拜早年", "年还没到，先拜个早年。"),
        ("2027-02-08", "走亲戚", "今天上门走亲戚。"),
    ],
)
def test_lunar_dates_are_dates(scenario: Scenario, typed: str, value: str, note: str) -> None:
    brief = meant(scenario, "occasion", typed)
    assert brief.values["occasion"] == value
    assert note in brief.notes


@pytest.mark.parametrize(
    ("typed", "value", "day"),
    [
        ("除夕前一天", "提前拜早年", LunarDay(12, 28)),
        ("元宵前一天", "初一拜年", LunarDay(1, 14)),
        ("正月十五前一晚", "初一拜年", LunarDay(1, 14)),
        ("春节前夕", "除夕", LunarDay(12, 29)),
        ("除夕第二天", "初一拜年", LunarDay(1, 1)),
        ("春节第三天", "走亲戚", LunarDay(1, 3)),
        ("过年前三天", "提前拜早年", LunarDay(12, 27)),
    ],
)
def test_a_day_counted_from_another_is_that_day(
    scenario: Scenario, typed: str, value: str, day: LunarDay
) -> None:
    brief = meant(scenario, "occasion", typed)
    assert (brief.values["occasion"], brief.days["occasion"]) == (value, day)


def test_in_a_year_with_a_30th_the_29th_is_not_the_eve(scenario: Scenario) -> None:
    in_2030 = date(2030, 1, 20)
    assert meant(scenario, "occasion", "腊月廿九", in_2030).values["occasion"] == "提前拜早年"
    assert meant(scenario, "occasion", "腊月三十", in_2030).values["occasion"] == "除夕"


def test_a_day_that_is_not_there_is_told(scenario: Scenario) -> None:
    (reading,) = (
        r for r in meant(scenario, "occasion", "腊月三十").readings if r.field == "occasion"
    )
    assert reading.zh == "除夕（今年没有腊月三十，除夕是腊月二十九）"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("正月初八开工", "开工"),
        ("初五开工", "开工"),
        ("春节串门", "走亲戚"),
        ("初四走亲戚", "走亲戚"),
        ("春节红包", "红包留言"),
        ("除夕發紅包", "红包留言"),
        ("除夕零点", "零点跨年"),
        ("除夕夜饭桌上", "年夜饭敬酒"),
        ("过年发朋友圈", "朋友圈或群里"),
        ("春节前", "提前拜早年"),
        ("春节后开工", "开工"),
        ("不是除夕，是初一", "初一拜年"),
        ("提前给客户拜年", "提前拜早年"),
        ("小除夕", "提前拜早年"),
        ("年三十儿中午十二点", "除夕"),
        ("过了零点", "零点跨年"),
        ("Lantern Festival", "元宵"),
        ("春节", "初一拜年"),
        ("新年祝福", "初一拜年"),
    ],
)
def test_the_more_specific_of_two_names_counts(scenario: Scenario, typed: str, value: str) -> None:
    assert meant(scenario, "occasion", typed).values["occasion"] == value


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("occasion", "正月十六", "是正月十六，这一天不在能写的里面"),
        ("occasion", "八月十五", "这一天不在能写的里面"),
        ("occasion", "五月初五", "这一天不在能写的里面"),
        ("occasion", "年夜饭上发红包", "年夜饭敬酒、红包留言"),
        ("occasion", "除夕正月初五", "除夕、初一拜年"),
        ("occasion", "初一到初三", "没有看懂"),
        ("occasion", "元旦", "没有看懂"),
        ("occasion", "除夕前夜", "没有看懂"),  # said of two evenings
        ("occasion", "正月初三初四", "没有看懂"),
        ("occasion", "正月初十一", "没有看懂"),
        ("occasion", "闰正月初一", "没有看懂"),
        ("occasion", "阳历新年", "没有看懂"),
        ("occasion", "初三毕业", "没有看懂"),
        ("occasion", "十五岁", "没有看懂"),
        ("occasion", "三十号", "没有看懂"),
        ("occasion", "中午十二点", "没有看懂"),
        ("occasion", "年夜饭后", "没有看懂"),
        ("occasion", "零点前", "没有看懂"),
        ("occasion", "春节假期后", "没有看懂"),
        ("occasion", "22月6日", "没有看懂"),
        ("occasion", "2026年2月17日", "没有看懂"),
        ("occasion", "2月21", "是正月十六，这一天不在能写的里面"),
        ("occasion", "正月底", "没有看懂"),
        ("occasion", "正月的下旬", "没有看懂"),
        ("occasion", "出了正月", "没有看懂"),
        ("occasion", "过了元宵", "没有看懂"),
        ("occasion", "三月初七", "这一天不在能写的里面"),
        ("occasion", "大年三十前", "没有看懂"),
        ("occasion", "正月初三以后", "没有看懂"),
        ("occasion", "元宵之后", "没有看懂"),
        ("occasion", "春节后", "没有看懂"),
        ("occasion", "不是除夕", "没有看懂"),
        ("occasion", "除夕不行", "没有看懂"),
        ("occasion", "除夕除外", "没有看懂"),
        ("occasion", "腊月三十一", "没有看懂"),
        ("occasion", "二十五", "没有看懂"),
        ("style", "真诚又幽默", "真诚走心、轻松幽默"),
        ("style", "不要幽默", "没有看懂"),
        ("length", "至少80最多50", "没有全看懂"),
        ("length", "每句七个字", "没有全看懂"),
        ("length", "3字", "能写 8 到 300 字"),
        ("length", "5000-6000", "能写 8 到 300 字"),
    ],
)
def test_what_may_mean_two_things_or_none_is_asked_about(
    scenario: Scenario, field: str, typed: str, says: str
) -> None:
    with pytest.raises(BriefError, match=says) as raised:
        meant(scenario, field, typed)
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("typed", "value", "low", "high"),
    [
        ("不少于80字", "中", 80, 120),
        ("50字以內", "短", 25, 50),
        ("簡短", "短", 30, 60),
        ("两三句", "短", 30, 60),
        ("一句話", "一句话", 10, 30),
        ("250字以上", "长", 250, 300),
    ],
)
def test_a_length_is_the_choice_it_is_nearest_to(
    scenario: Scenario, typed: str, value: str, low: int, high: int
) -> None:
    brief = meant(scenario, "length", typed)
    assert brief.values["length"] == value
    assert brief.length is not None
    assert (brief.length.min, brief.length.max) == (low, high)


def test_what_is_not_wanted_does_not_count(scenario: Scenario) -> None:
    assert meant(scenario, "style", "不要幽默，要真诚").values["style"] == "真诚走心"
    assert meant(scenario, "style", "不要太正式，幽默一点").values["style"] == "轻松幽默"
    assert meant(scenario, "style", "真诚一点，别太肉麻").values["style"] == "真诚走心"
