from datetime import date

import pytest

from fencun.lunar import LunarDay, days_from, greeted_year, is_eve, named_days, solar_days


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


def test_the_twelfth_month_has_29_days_until_2029() -> None:
    eves = [greeted_year(date(year, 1, 20)).eve for year in range(2025, 2031)]
    assert eves == [29, 29, 29, 29, 29, 30]
    year = greeted_year(date(2026, 11, 29))
    assert [is_eve(LunarDay(12, day), year) for day in (28, 29, 30)] == [False, True, True]
    assert not is_eve(LunarDay(1, 30), year)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("正月初三", [(1, 3)]),
        ("腊月三十", [(12, 30)]),
        ("腊月廿九", [(12, 29)]),
        ("腊月二十三送灶", [(12, 23)]),
        ("腊月29", [(12, 29)]),
        ("年初五", [(1, 5)]),
        ("大年初二", [(1, 2)]),
        ("正月十六", [(1, 16)]),
        ("年三十", [(12, 30)]),
        ("年廿八", [(12, 28)]),
        ("年二八", [(12, 28)]),
        ("八月十五", [(8, 15)]),
        ("五月初五", [(5, 5)]),
        ("初一到初三", [(1, 1), (1, 3)]),
        ("年廿六", [(12, 26)]),
        ("廿七", [(12, 27)]),
        ("初十一", []),
        ("初三十", []),
        ("初一一早", [(1, 1)]),
        ("2月21", []),
        ("初二年级", []),
        ("当初一起", []),
        ("初中", []),
        ("三十年了", []),
        ("腊月里", []),
        ("正月十五个人", []),
    ],
)
def test_lunar_days_are_read(text: str, days: list[tuple[int, int]]) -> None:
    assert [(n.day.month, n.day.day) for n in named_days(text)] == days


@pytest.mark.parametrize(
    ("day", "said"),
    [((1, 3), "正月初三"), ((12, 29), "腊月二十九"), ((1, 10), "正月初十"), ((12, 20), "腊月二十"),
     ((8, 15), "八月十五"), ((1, 11), "正月十一")],
)  # fmt: skip
def test_lunar_days_are_said(day: tuple[int, int], said: str) -> None:
    assert str(LunarDay(*day)) == said


def test_days_are_counted_over_the_new_year() -> None:
    year = greeted_year(date(2026, 11, 29))
    assert days_from(LunarDay(1, 2), -2, year) == LunarDay(12, 29)
    assert days_from(LunarDay(12, 30), 3, year) == LunarDay(1, 3)
    assert days_from(LunarDay(1, 29), 1, year) is None
    assert days_from(LunarDay(8, 15), -1, year) is None


def test_a_date_may_tell_its_year() -> None:
    year = greeted_year(date(2026, 11, 29))
    told = "2027-02-06、2026年12月31日、2026/2/17、2月5、32月1日"
    assert list(solar_days(told, year)) == [LunarDay(1, 1), LunarDay(11, 23), LunarDay(12, 29)]


def test_solar_dates_fall_on_lunar_days() -> None:
    year = greeted_year(date(2026, 11, 29))
    told = "2月5日、2月6号、十二月三十一日、2月30日"
    assert list(solar_days(told, year)) == [LunarDay(12, 29), LunarDay(1, 1), LunarDay(11, 23)]
