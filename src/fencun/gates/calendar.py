"""Whether zodiac, stem-branch, year and date are licensed by the brief and right by the calendar.

Such knowledge expires: a text says it only where the brief does, and then the lunar
calendar (lunar-python) has the last word.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from fencun.brief import Brief
from fencun.gates.gate import Finding
from fencun.lunar import (
    FIRST,
    TWELFTH,
    LunarDay,
    LunarYear,
    Named,
    days_from,
    greeted_year,
    is_eve,
    named_days,
)
from fencun.numerals import read_number
from fencun.scenario import Scenario

_ANIMALS = "鼠牛虎兔龙蛇马羊猴鸡狗猪"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
_NUMERALS = "〇零○一二三四五六七八九"
_MENTION = re.compile(
    rf"(?P<zodiac>(?<![小老阿大])[{_ANIMALS}](?=年(?![糕货画夜轮味会终级底])|到成功|岁大吉)"
    rf"|(?<=[金玉灵瑞])[{_ANIMALS}](?=[迎送献贺报辞闹纳接]|呈祥))"
    rf"|(?P<stem>[{_STEMS}][{_BRANCHES}])(?=年|[{_ANIMALS}]年|新春|春节|岁)"
    rf"|(?<![\d.])(?P<year>20\d\d|二[〇零○][{_NUMERALS}]{{2}}|二千[零〇]?[二三四五六七八九十]{{1,3}})(?!\d)"
    r"(?=[年，,。！! 、]|新年|新春|春节|\Z)"
    rf"|(?P<month>1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月"
    rf"(?P<day>[1-3]?\d|[二三]?十[{_NUMERALS}]?|[{_NUMERALS}])[日号]"
)
_HINT = re.compile(
    rf"[{_ANIMALS}初]|[{_BRANCHES}](?=年|新春|春节|岁)|20|二[〇零○千]|月|年[三二廿]"
    r"|今[天日晚儿夜]|本命年"
)
_ABOUT_ZODIAC = re.compile(rf"生肖|本命年|属相|[{_ANIMALS}]年|属[{_ANIMALS}]")
# What follows the animal where the year greeted is meant, and not one that is remembered.
_GREETED = re.compile(
    r"年?(?:快乐|大吉|吉祥|好|到|来|行大运|如意|新春|春节|到成功|岁大吉|平安|安康|顺|给|拜|祝|愿|恭|贺|旺|红"
    r"|[，。！,.!～~\s]|\Z)"
)
_NEAR_TODAY = re.compile(
    r"(?P<when>[今明昨后])(?:天|日|晚|儿个?|夜|早)(?:就|又|正)?是?(?:农历|阴历)?\Z"
)
_DAYS_OFF = {"今": 0, "明": 1, "后": 2, "昨": -1}
# Days that everybody names without being told: the first day, 小年, the Lantern Festival.
_KNOWN = frozenset({
    LunarDay(FIRST, 1), LunarDay(FIRST, 15), LunarDay(TWELFTH, 23), LunarDay(TWELFTH, 24),
})  # fmt: skip
_EVE = LunarDay(TWELFTH, 30)  # here the last day of the year, whichever it is
_FESTIVALS = {
    "腊八": (LunarDay(TWELFTH, 8),), "小年": (LunarDay(TWELFTH, 23), LunarDay(TWELFTH, 24)),
    "除夕": (_EVE,), "大年夜": (_EVE,), "破五": (LunarDay(FIRST, 5),),
    "元宵": (LunarDay(FIRST, 15),),
}  # fmt: skip
_IS_TODAY = re.compile(rf"今(?:天|日|晚|儿个?|夜)(?:就|又|正)?是?(?P<name>{'|'.join(_FESTIVALS)})")
_OWN_ANIMAL = re.compile(rf"属([{_ANIMALS}])|([{_ANIMALS}])年(?:生|出生|的)")
_FESTIVAL = re.compile(r"除夕|大年三十|初一|元宵|正月十五|春节(?=(?:就?[是在])?\d)")
_NEAR_CHARS = 6


class CalendarGate:
    """Zodiac, stem-branch, year and date: said without need, or wrong."""

    name = "calendar"

    def __init__(self, scenario: Scenario, today: date | None = None) -> None:
        """``today`` fixes the day of the check; None asks the clock each time."""
        self._on = scenario.rules.calendar
        self._today = today

    def check(self, text: str, brief: Brief) -> Iterator[Finding]:
        """See :meth:`fencun.gates.gate.Gate.check`."""
        if not self._on or not _HINT.search(text):
            return
        for named in named_days(text):
            if wrong := self._wrong_day(named, text, brief):
                yield Finding(self.name, "fault", named.start, named.end, *wrong)
        yield from self._wrong_festivals(text, brief)
        for match in _MENTION.finditer(text):
            if fault := self._fault(match, text, brief.value("detail")):
                yield self._found(match, *fault)

    def _wrong_festivals(self, text: str, brief: Brief) -> Iterator[Finding]:
        """A festival said to be today that is not, and a year of birth that has not come round."""
        year, detail = self._year(), brief.value("detail")
        days = _days_of(brief, LunarDay(TWELFTH, year.eve))
        for match in _IS_TODAY.finditer(text) if days else ():
            on = [min(day, LunarDay(TWELFTH, year.eve)) for day in _FESTIVALS[match["name"]]]
            right = any(first <= day <= last for first, last in days for day in on)
            if match["name"] not in detail and not right:
                yield self._found(
                    match,
                    f"按需求，今天不是“{match['name']}”。",
                    f"By the brief, today is not {match['name']!r}.",
                )
        animals = {one or other for one, other in _OWN_ANIMAL.findall(detail)}
        if animals and year.animal not in animals and "本命年" not in detail:
            for match in re.finditer("本命年", text):
                yield self._found(
                    match,
                    f"“本命年”不对：这个春节是{year.animal}年，需求里说的是属{'、'.join(animals)}。",
                    f"'本命年' is wrong: the year is {year.animal}, the brief tells another sign.",
                )

    def _fault(self, match: re.Match[str], text: str, detail: str) -> tuple[str, str] | None:
        kind = match.lastgroup
        said = match[0]
        if kind == "day":
            return _wrong_date(match, text, detail, self._year())
        year = self._year()
        right = {"zodiac": year.animal, "stem": year.stem_branch}.get(kind or "", str(year.year))
        value = str(read_year(said)) if kind == "year" else said
        if not _licensed(kind or "", said, detail):
            return (
                f"需求里没提“{said}”，这种会过期的话别写。",
                f"The brief does not mention {said!r}.",
            )
        told = f"{said}年" in detail if kind == "zodiac" else said in detail
        if value == right or (told and not _GREETED.match(text, match.end())):
            return None
        return (
            f"“{said}”不对：按日历，这个春节是{year.year}年，{year.stem_branch}{year.animal}年。",
            f"{said!r} is wrong: this Spring Festival begins {year.stem_branch} {year.year}.",
        )

    def _wrong_day(self, named: Named, text: str, brief: Brief) -> tuple[str, str] | None:
        """What is wrong with a lunar day: not in this year, not today, or not told."""
        said = text[named.start : named.end]
        told = {other.day for other in named_days(brief.value("detail"))}
        if named.day in told:
            return None
        year = self._year()
        eve = LunarDay(TWELFTH, year.eve)
        if named.full and named.day > eve:
            return f"今年没有“{said}”，除夕是{eve}。", f"There is no {said!r} this year."
        day = eve if is_eve(named.day, year) else named.day
        days = _days_of(brief, eve)
        near = _NEAR_TODAY.search(text[max(0, named.start - _NEAR_CHARS) : named.start])
        if days and near:
            today = days_from(day, -_DAYS_OFF[near["when"]], year) or day
            if not any(first <= today <= last for first, last in days):
                when = near["when"]
                english = {"今": "today", "明": "tomorrow", "昨": "yesterday"}.get(
                    when, "in two days"
                )
                return (
                    f"按需求，{when}天不是“{said}”。",
                    f"By the brief, {english} is not {said!r}.",
                )
        elif named.full and day not in _KNOWN and not any(f <= day <= last for f, last in days):
            return f"需求里没提“{said}”这个日子。", f"The brief does not mention {said!r}."
        return None

    def _year(self) -> LunarYear:
        return greeted_year(self._today or date.today())

    def _found(self, match: re.Match[str], zh: str, en: str) -> Finding:
        return Finding(self.name, "fault", match.start(), match.end(), zh, en)


def _days_of(brief: Brief, eve: LunarDay) -> list[tuple[LunarDay, LunarDay]]:
    """First and last of the days on which this is said; empty where that may be any day."""
    if brief.days:
        return [(day, day) for day in brief.days.values()]
    chosen = (d.choice(brief.values[d.name]) for d in brief.scenario.dimensions)
    fixed = (choice for choice in chosen if choice and not choice.any_day)
    # Where another day has another note, and none was told, it is the first day.
    return [
        span for choice in fixed for span in choice.spans(eve)[: 1 if choice.day_note else None]
    ]


def read_year(said: str) -> int:
    """Read a year of this century: ``2027``, ``二〇二七``, ``二零二七``, ``二千零二十七``."""
    if said.isdigit():
        return int(said)
    if said[1] == "千":
        return 2000 + read_number(said[2:].lstrip("零〇"))
    return int("".join(str(max(0, _NUMERALS.index(char) - 2)) for char in said))


def _licensed(kind: str, said: str, detail: str) -> bool:
    if said in detail:
        return True
    if kind == "year":
        return any(
            m["year"] and read_year(m["year"]) == read_year(said) for m in _MENTION.finditer(detail)
        )
    if kind == "zodiac":
        return bool(_ABOUT_ZODIAC.search(detail))
    return any(m["stem"] for m in _MENTION.finditer(detail))


def _wrong_date(
    match: re.Match[str], text: str, detail: str, year: LunarYear
) -> tuple[str, str] | None:
    month, day = read_number(match["month"]), read_number(match["day"])
    said = match[0]
    dates = {
        (read_number(m["month"]), read_number(m["day"]))
        for m in _MENTION.finditer(detail)
        if m["day"]
    }
    if (month, day) not in dates:
        return f"需求里没提“{said}”这个日子。", f"The brief does not mention {said!r}."
    around = text[max(0, match.start() - _NEAR_CHARS) : match.end() + _NEAR_CHARS]
    if festival := _FESTIVAL.search(around):
        right = _day_of(festival[0], year)
        if (right.month, right.day) != (month, day):
            return (
                f"“{said}”不对：{festival[0]}是{right.month}月{right.day}日。",
                f"{said!r} is wrong: {festival[0]} is {right:%d %B}.",
            )
    return None


def _day_of(festival: str, year: LunarYear) -> date:
    offset = {"初一": 0, "春节": 0, "元宵": 14, "正月十五": 14}.get(festival, -1)
    return year.first_day + timedelta(days=offset)
