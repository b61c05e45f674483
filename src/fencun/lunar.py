"""The lunar calendar (lunar-python): days as people name them, and the year that is greeted.

A twelfth month has 29 or 30 days. In the years 2025 to 2029 it has 29, and the eve of the
New Year is the 29th, though people go on calling it 三十.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from fencun.numerals import read_number

FIRST, TWELFTH = 1, 12
_MONTHS = {"正": 1, "元": 1, "冬": 11, "腊": 12}
_FIGURES = "一二三四五六七八九"
_DAY = (
    rf"(?:初(?P<first>十|[{_FIGURES}]|10|0?[1-9])"
    rf"|(?P<tens>[二三]?十[{_FIGURES}]?|廿[{_FIGURES}]?|卅|[二三][{_FIGURES}](?![{_FIGURES}十百])|[1-3]?\d(?!\d)))"
)
_MENTION = re.compile(
    rf"(?<![闰\d])(?:(?P<named>[正元冬腊])|(?P<month>[{_FIGURES}]|十[一二]?|1[0-2]|[1-9]))月的?{_DAY}"
    # 5月3日 is of the other calendar, and so is 5月3
    rf"(?![个多几来月岁年{_FIGURES}十])(?(named)|(?![号日])(?<![1-9]月\d)(?<![0-9]月\d\d))"
    rf"|(?<![0-9两前后去今{_FIGURES}十百])(?:大年|年)(?:初(?P<new>十|[{_FIGURES}]|10|[1-9])"
    rf"|(?P<old>三十|卅|廿[{_FIGURES}]?|二十[八九]|二[八九])(?![个多几来号岁]))(?![{_FIGURES}十百\d])"
    rf"|(?<![月当])初(?P<bare>十(?![{_FIGURES}])|[{_FIGURES}]|10|[1-9](?!\d))(?![中个级十百]|年级|的?学生|毕业|[上下]学期)"
    rf"|(?<![月的年])(?P<late>廿[{_FIGURES}])(?![个多几来号岁年])"
)
_SOLAR = re.compile(
    rf"(?:(?P<year>20\d\d)[年/.-])?(?<![\d月])(?P<month>1[0-2]|0?[1-9]|十[一二]?|[{_FIGURES}])"
    rf"(?:月|(?(year)[/.-]|(?!)))(?P<day>[12]\d|3[01]|0?[1-9]|[二三]?十[{_FIGURES}]?|[{_FIGURES}])"
    r"(?:[日号]|(?(year)(?!\d)|(?:(?<=\d月\d)|(?<=\d月\d\d))(?!\d)))"
)
_NUMERALS: tuple[str, ...] = ("", *_FIGURES, "十")
_SHORT_MONTH = 29
_AUTUMN = 7  # a date from here on is of the year before the Spring Festival


@dataclass(frozen=True, slots=True, order=True)
class LunarDay:
    """A day of a lunar month: month 1 to 12, day 1 to 30."""

    month: int
    day: int

    def __str__(self) -> str:
        month = {1: "正", 11: "冬", 12: "腊"}.get(self.month) or _count(self.month)
        return f"{month}月{'初' if self.day <= 10 else ''}{_count(self.day)}"


NEW_YEAR = LunarDay(FIRST, 1)


@dataclass(frozen=True, slots=True)
class Named:
    """A lunar day named in a text, and where; ``full`` where its month is."""

    start: int
    end: int
    day: LunarDay
    full: bool


@dataclass(frozen=True, slots=True)
class LunarYear:
    """The lunar year that a greeting is for; ``first_day`` is its New Year's Day.

    ``eve`` is the day of the twelfth month before it, 29 or 30.
    """

    animal: str
    stem_branch: str
    year: int
    first_day: date
    eve: int


def _count(number: int) -> str:
    tens, ones = divmod(number, 10)
    if tens == 0 or number == 10:
        return _NUMERALS[number]
    return f"{'' if tens == 1 else _NUMERALS[tens]}十{_NUMERALS[ones]}"


def named_days(text: str) -> Iterator[Named]:
    """Yield the lunar days that ``text`` (simplified characters) names.

    ``初五`` alone is of the first month; ``廿八`` and ``大年三十`` are of the twelfth.
    """
    for match in _MENTION.finditer(text):
        if told := match["named"] or match["month"]:
            month = _MONTHS.get(told) or read_number(told)
            day = _day(match["first"] or match["tens"])
        elif late := match["old"] or match["late"]:
            month, day = TWELFTH, _day(late)
        else:
            month, day = FIRST, _day(match["new"] or match["bare"])
        if 1 <= month <= TWELFTH and 1 <= day <= 30:
            full = bool(told)
            yield Named(match.start(), match.end(), LunarDay(month, day), full)


def _day(figures: str) -> int:
    if len(figures) == 2 and figures[0] in "二三" and figures[1] in _FIGURES:
        return 10 * read_number(figures[0]) + read_number(figures[1])  # 年二八 is the 28th
    return read_number(figures)


def solar_days(text: str, year: LunarYear) -> Iterator[LunarDay]:
    """Yield the lunar days of the solar dates in ``text`` (``2月5日``), around ``year``.

    A date that tells another year than theirs is left out.
    """
    from lunar_python import Solar  # type: ignore[import-untyped]

    for match in _SOLAR.finditer(text):
        month, day = read_number(match["month"]), read_number(match["day"])
        around = year.first_day.year - (month >= _AUTUMN)
        try:
            told = date(around, month, day)
        except ValueError:
            continue
        if match["year"] and int(match["year"]) != around:
            continue
        lunar = Solar.fromYmd(told.year, told.month, told.day).getLunar()
        if lunar.getMonth() > 0:  # a leap month is negative
            yield LunarDay(lunar.getMonth(), lunar.getDay())


@lru_cache(maxsize=64)
def greeted_year(today: date) -> LunarYear:
    """Return the lunar year that greetings sent on ``today`` are for.

    In the first lunar month that is the year just begun, later the one to come.
    """
    from lunar_python import Lunar, LunarMonth, Solar

    now = Solar.fromYmd(today.year, today.month, today.day).getLunar()
    year = now.getYear() if now.getMonth() == FIRST else now.getYear() + 1
    first = Lunar.fromYmd(year, FIRST, 1)
    day = first.getSolar()
    return LunarYear(
        animal=first.getYearShengXiao(),
        stem_branch=first.getYearInGanZhi(),
        year=year,
        first_day=date(day.getYear(), day.getMonth(), day.getDay()),
        eve=LunarMonth.fromYm(year - 1, TWELFTH).getDayCount(),
    )


def days_from(day: LunarDay, count: int, year: LunarYear) -> LunarDay | None:
    """Return the day ``count`` days after ``day`` (before it, if negative), around the New Year.

    None where that is in neither of the two months.
    """
    if day.month not in (FIRST, TWELFTH):
        return None
    after = (day.day if day.month == FIRST else min(day.day, year.eve) - year.eve) + count
    month, there = (FIRST, after) if after > 0 else (TWELFTH, year.eve + after)
    return LunarDay(month, there) if 1 <= there <= _SHORT_MONTH else None


def is_eve(day: LunarDay, year: LunarYear) -> bool:
    """Whether ``day`` is the eve of ``year``; the 30th is, where the month has 29 days."""
    return day.month == TWELFTH and day.day >= year.eve
