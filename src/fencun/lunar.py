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
    rf"(?P<month>[正元冬腊{_FIGURES}]|十[一二]?|1[0-2]|[1-9])月的?{_DAY}(?![个多几来月号日岁年{_FIGURES}])"
    rf"|(?<![0-9两前后去今{_FIGURES}十百])(?:大年|年)(?:初(?P<new>十|[{_FIGURES}]|10|[1-9])"
    rf"|(?P<old>三十|卅|廿[八九]?|二十[八九]|二[八九])(?![个多几来号岁]))"
    rf"|(?<![月当])初(?P<bare>十|[{_FIGURES}]|10|[1-9](?!\d))(?![中个级])"
)
_SOLAR = re.compile(
    rf"(?P<month>1[0-2]|0?[1-9]|十[一二]?|[{_FIGURES}])月(?P<day>[1-3]?\d|[二三]?十[{_FIGURES}]?|[{_FIGURES}])[日号]"
)
_NUMERALS: tuple[str, ...] = ("", *_FIGURES, "十")
_AUTUMN = 7  # a date from here on is of the year before the Spring Festival


@dataclass(frozen=True, slots=True, order=True)
class LunarDay:
    """A day of a lunar month: month 1 to 12, day 1 to 30."""

    month: int
    day: int

    def __str__(self) -> str:
        month = {1: "正", 11: "冬", 12: "腊"}.get(self.month) or _count(self.month)
        return f"{month}月{'初' if self.day <= 10 else ''}{_count(self.day)}"


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

    ``初五`` alone is of the first month; ``年廿八`` and ``大年三十`` are of the twelfth.
    """
    for match in _MENTION.finditer(text):
        if match["month"]:
            month = _MONTHS.get(match["month"]) or read_number(match["month"])
            day = _day(match["first"] or match["tens"])
        elif match["old"]:
            month, day = TWELFTH, _day(match["old"])
        else:
            month, day = FIRST, _day(match["new"] or match["bare"])
        if 1 <= month <= TWELFTH and 1 <= day <= 30:
            full = bool(match["month"])
            yield Named(match.start(), match.end(), LunarDay(month, day), full)


def _day(figures: str) -> int:
    if len(figures) == 2 and figures[0] in "二三" and figures[1] in _FIGURES:
        return 10 * read_number(figures[0]) + read_number(figures[1])  # 年二八 is the 28th
    return read_number(figures)


def solar_days(text: str, year: LunarYear) -> Iterator[LunarDay]:
    """Yield the lunar days of the solar dates in ``text`` (``2月5日``), around ``year``."""
    from lunar_python import Solar  # type: ignore[import-untyped]

    for match in _SOLAR.finditer(text):
        month, day = read_number(match["month"]), read_number(match["day"])
        try:
            told = date(year.first_day.year - (month >= _AUTUMN), month, day)
        except ValueError:
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


def is_eve(day: LunarDay, year: LunarYear) -> bool:
    """Whether ``day`` is the eve of ``year``; the 30th is, where the month has 29 days."""
    return day.month == TWELFTH and day.day >= year.eve
