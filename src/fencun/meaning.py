"""What a person meant by what they typed: a choice of the scenario, a length, a lunar day.

Of two names the more specific one counts: 春节串门 is a visit, for 春节 is said of anything
then. Where two things may be meant, or a word turns the meaning round, it is asked about.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher

from fencun.errors import BriefError
from fencun.length import UnclearError, parse_length
from fencun.lunar import (
    NEW_YEAR,
    TWELFTH,
    LunarDay,
    days_from,
    greeted_year,
    is_eve,
    named_days,
    solar_days,
)
from fencun.numerals import FIGURES, read_number
from fencun.scenario import EVE, Choice, Dimension, LengthRange
from fencun.script import plain

_GAP = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff\d])")
_SPACING = re.compile(r"[\s，。、,.!！;；-]")
_FILLER = re.compile(
    r"[\s，。、,.!！-]|一点儿?|一些|有点儿?|比较|稍微|那种|(?:点儿?|些|的|吧|风格|风|口吻|语气)$"
)
_OURS = re.compile(r"^(?:我们?|俺|咱们?)的?(?=.)")
_NAME = re.compile(
    r"[小老阿大][\u4e00-\u9fff]{1,2}|[\u4e00-\u9fff]{1,2}(?:哥|姐|总|工|姨|叔|师傅|老师|大人)|大人"
)
_NEGATED = re.compile(
    r"(?:(?:别|不要?|不用|不是|不在|除了|少|勿|莫|甭|非)(?:太|那么|这么|再|过于|过)?|过了|^出了?"
    r"|[阳公新西]历(?:的|年的?)?|闰)$"
)
_NOT_THEN = re.compile(  # after a name: another day or moment, or not on it
    r"(?:当[天日]|假期|放假|长假|期间)?(?:[的之以]?(?:前|后)|过后|结束|最后|末尾|第[二三四五六七八]天"
    r"|次日|隔[天日]|不[行要算写发]|除外|[之以]外)"
    r"|的?(?:底|末|尾|[中下]旬)"
)
_NEAR = re.compile(  # after the name of a day: so many days from it
    r"(?:当[天日])?的?(?:(?P<ago>[前头])(?P<count>[一两二三四五六七\d])?[天日晚](?!天)|(?P<dusk>前[夕夜])"
    r"|(?P<later>后)(?P<more>[一两二三四五六七\d])[天日晚]|(?P<next>次日|隔[天日])|第(?P<nth>[二三四五六七八])天)"
)
_MORE_DAYS = re.compile(rf"初[{FIGURES}\d]|[{FIGURES}\d][号日]")
_COUNTED = "岁年周个号日人块万元件斤里多几"  # after a number: that many of them, and no day
_NOON = re.compile(r"(?:[中正]午|[上下]午|白天)的?$")
_MONTH = re.compile(r"月的?$")
_REFUSING = re.compile(r"^(?:别|不|少|勿|莫)")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The choice that is meant; a length or a lunar day where one was told; what to say of it."""

    choice: Choice
    length: LengthRange | None = None
    day: LunarDay | None = None
    zh: str = ""
    en: str = ""


def understand(
    dimension: Dimension, typed: str, *, strict: bool = False, today: date | None = None
) -> Meaning:
    """Return what ``typed`` means in ``dimension``; with ``strict`` only a value itself counts.

    Raises:
        BriefError: it is not understood, or not to the last word; says what would be.
    """
    if exact := dimension.choice(typed):
        return Meaning(exact)
    if strict:
        raise not_understood(dimension, typed)
    said = _GAP.sub("", plain(typed))
    for candidate in (said, _bare(said)):
        choice = dimension.plain_names.get(candidate) or dimension.english.get(candidate)
        if choice:
            return Meaning(choice, day=_day(dimension, said, today))
    if dimension.kind == "length" and (meaning := _length(dimension, typed)):
        return meaning
    if dimension.has_days:
        return _occasion(dimension, typed, said, today)
    return Meaning(_named(dimension, typed, said))


def _bare(said: str) -> str:
    """Leave out the words that only soften: 幽默一点, 真诚的, 我们老师."""
    return _OURS.sub("", _FILLER.sub("", said))


def _named(dimension: Dimension, typed: str, said: str) -> Choice:
    """A mark first, then the most specific name that stands where it may."""
    bare = _bare(said)
    for choice in dimension.choices:
        if any(re.search(mark, bare) for mark in choice.marks):
            return choice
    known = [name for name in dimension.plain_names if len(name) > 1]
    if dimension.match == "anywhere":
        for names in _tiers(dimension, _standing(known, said)):
            return _only(dimension, typed, names)
        raise not_understood(dimension, typed)
    fitting = [name for name in known if _heads(dimension, bare, name)] or [
        name for name in known if bare.startswith(name) and _NAME.fullmatch(bare[len(name) :])
    ]
    if not fitting:
        raise not_understood(dimension, typed)
    return dimension.plain_names[max(fitting, key=len)]


def _heads(dimension: Dimension, typed: str, name: str) -> bool:
    """Whether ``name`` is the head of what was typed, and not somebody else's."""
    if not typed.endswith(name):
        return False
    owner = typed[: -len(name)]
    mine = dimension.plain_names[name].mine
    return not (mine and (owner.endswith("的") or owner in dimension.plain_names))


def _standing(names: Iterable[str], typed: str) -> list[str]:
    """The names that stand in ``typed``, neither negated nor inside a longer one."""
    typed = _SPACING.sub("", typed)
    spans = {name: at for name in names if (at := typed.find(name)) >= 0}
    whole = [
        name
        for name, at in spans.items()
        if not any(
            other != name and start <= at and at + len(name) <= start + len(other)
            for other, start in spans.items()
        )
    ]
    return [
        name
        for name in whole
        if not _NEGATED.search(typed[: spans[name]]) and not _cut(typed, name, spans[name])
    ]


def _cut(typed: str, name: str, at: int) -> bool:
    """Whether ``name`` at ``at`` is part of a number or a date: 十五 in 二十五, in 腊月十五."""
    before, after = typed[at - 1 : at] if at else "", typed[at + len(name) :][:1]
    return bool(
        (name[0] in f"初{FIGURES}" and _MONTH.search(typed[:at]))
        or (name[0] in FIGURES and before and before in f"初第{FIGURES}")
        or (name[-1] in FIGURES and after and after in f"{_COUNTED}{FIGURES}")
        or (name.endswith("点") and _NOON.search(typed[:at]))
    )


def _tiers(dimension: Dimension, names: list[str]) -> list[list[str]]:
    """Order names by how much they tell: what is done, which day it is, what anything may be."""

    def tier(name: str) -> int:
        choice = dimension.plain_names[name]
        if name in choice.plain_loose:
            return 3
        if choice.days and not choice.any_day:
            return 1
        return 2 if _REFUSING.match(name) else 0

    found: dict[int, list[str]] = {}
    for name in names:
        found.setdefault(tier(name), []).append(name)
    return [found[key] for key in sorted(found)]


def _only(dimension: Dimension, typed: str, names: list[str]) -> Choice:
    values = list(dict.fromkeys(dimension.plain_names[plain(name)].value for name in names))
    if len(values) > 1:
        raise BriefError(
            f"{dimension.label}“{shown(typed)}”有几个意思：{'、'.join(values)}。请挑一个。",
            f"{dimension.en} {shown(typed)!r} may mean {', '.join(values)}; choose one.",
            field=dimension.name,
        )
    return dimension.plain_names[plain(names[0])]


def _occasion(dimension: Dimension, typed: str, said: str, today: date | None) -> Meaning:
    """What is done decides, then the name of a day, then its date, then what anything may be."""
    said = _without_other_days(dimension, _reckoned(dimension, said, today))
    day = _day(dimension, said, today)
    on_day = _choice_on(dimension, day, today) if day else None
    names = [name for name in dimension.plain_names if len(name) > 1]
    for tier in _tiers(dimension, _standing(names, said)):
        if all(name in dimension.plain_names[name].plain_loose for name in tier):
            break
        choice = _only(dimension, typed, tier)
        if day is None or choice.any_day or not choice.days:
            return Meaning(choice, day=day)
        if on_day is None:
            raise _no_such_day(dimension, typed, day)
        return _on(_only(dimension, typed, [choice.value, on_day.value]), day, said, today)
    if day and on_day is None:
        raise _no_such_day(dimension, typed, day)
    if day and on_day:
        return _on(on_day, day, said, today)
    if _MORE_DAYS.search(said):  # several days, or one that is not understood
        raise not_understood(dimension, typed)
    return Meaning(_named(dimension, typed, said))


def _reckoned(dimension: Dimension, said: str, today: date | None) -> str:
    """Write a day that is counted from another as its own date: 元宵前一天 is 正月十四."""
    year = greeted_year(today or date.today())
    eve = LunarDay(TWELFTH, year.eve)
    places = [(one.start, one.end, min(one.day, eve)) for one in named_days(said)]
    for name, day in _single_days(dimension, eve):
        at = said.find(name)
        if at >= 0 and not _cut(said, name, at):
            places.append((at, at + len(name), day))
    for start, end, day in sorted(places, key=lambda place: place[1], reverse=True):
        near = _NEAR.match(said, end)
        if near is None or (near["dusk"] and day == eve):  # 除夕前夜 is said of two evenings
            continue
        if reckoned := days_from(day, _days_off(near), year):
            return f"{said[:start]}{reckoned}{said[near.end() :]}"
    return said


def _single_days(dimension: Dimension, eve: LunarDay) -> Iterator[tuple[str, LunarDay]]:
    """Yield the names of one day each; 春节 and what else is said loosely are its first day."""
    for name, choice in dimension.plain_names.items():
        days = {day for span in choice.spans(eve) for day in span}
        if len(days) == 1 and len(name) > 1:
            yield name, days.pop()
        elif name in choice.plain_loose and choice.first_day == NEW_YEAR:
            yield name, NEW_YEAR


def _days_off(near: re.Match[str]) -> int:
    if near["nth"]:
        return read_number(near["nth"]) - 1
    if near["ago"] or near["dusk"]:
        return -read_number(near["count"] or "一")
    return read_number(near["more"] or "一")


def _without_other_days(dimension: Dimension, said: str) -> str:
    """Leave out names that only tell another day or moment: 除夕之前, 初七以后, 年夜饭后."""
    names = sorted((name for name in dimension.plain_names if len(name) > 1), key=len, reverse=True)
    starts = {named.start for named in named_days(said)}

    def kept(match: re.Match[str]) -> str:
        choice, name = dimension.plain_names[match[0]], match[0]
        other = bool(_NOT_THEN.match(said, match.end()))
        if name in choice.plain_loose and match.start() not in starts:
            other = other or said[match.end() :][:1] in tuple(FIGURES)  # 腊月三十一
        return "，" if other else name

    cut = re.sub("|".join(map(re.escape, names)), kept, said)
    for named in reversed(list(named_days(cut))):
        if _NOT_THEN.match(cut, named.end):
            cut = f"{cut[: named.start]}，{cut[named.end :]}"
    return cut


def _day(dimension: Dimension, said: str, today: date | None) -> LunarDay | None:
    """Return the one lunar day that is told; None where none is, or where several are."""
    if not dimension.has_days:
        return None
    year = greeted_year(today or date.today())
    told = {named.day for named in named_days(said)} | set(solar_days(said, year))
    days = {LunarDay(day.month, year.eve) if is_eve(day, year) else day for day in told}
    return days.pop() if len(days) == 1 else None


def _on(choice: Choice, day: LunarDay, said: str, today: date | None) -> Meaning:
    """Return ``choice`` on ``day``; says so where the day told is not in this year's calendar."""
    eve = LunarDay(TWELFTH, greeted_year(today or date.today()).eve)
    for named in named_days(said):
        if named.full and named.day > eve:
            zh, en = (
                f"今年没有{named.day}，除夕是{eve}",
                f"there is no {named.day}; the eve is {eve}",
            )
            return Meaning(choice, day=day, zh=zh, en=en)
    return Meaning(choice, day=day)


def _choice_on(dimension: Dimension, day: LunarDay, today: date | None) -> Choice | None:
    """Return the choice that is for ``day``: the eve's, where it is the eve."""
    eve = LunarDay(TWELFTH, greeted_year(today or date.today()).eve)
    if day == eve:
        return next((choice for choice in dimension.choices if EVE in choice.days), None)
    return next((choice for choice in dimension.choices if choice.is_for(day, eve)), None)


def _no_such_day(dimension: Dimension, typed: str, day: LunarDay) -> BriefError:
    values = "、".join(choice.value for choice in dimension.choices)
    return BriefError(
        f"{dimension.label}“{shown(typed)}”是{day}，这一天不在能写的里面。可以填：{values}。",
        f"{dimension.en} {shown(typed)!r} is {day}, for which there is no choice: {values}.",
        field=dimension.name,
    )


def _length(dimension: Dimension, typed: str) -> Meaning | None:
    most = dimension.limits.max if dimension.limits else None
    try:
        asked = parse_length(typed)
    except UnclearError:
        raise BriefError(
            f"{dimension.label}“{shown(typed)}”没有全看懂。请这样写：50字以内、至少80字、"
            "50-80字、80字左右。",
            f"{dimension.en} {shown(typed)!r} is not wholly understood. Say it like this: at most "
            "50 characters, at least 80, 50-80, about 80.",
            field=dimension.name,
        ) from None
    if asked is None:
        return None
    low, high = asked.closed(most)
    length = LengthRange(min=low, max=high)
    if (limits := dimension.limits) and (high < limits.min or low > limits.max):
        raise BriefError(
            f"{dimension.label}“{shown(typed)}”写不了：能写 {limits.min} 到 {limits.max} 字。",
            f"{dimension.en} {shown(typed)!r} is out of range: {limits.min}-{limits.max}.",
            field=dimension.name,
        )
    return Meaning(
        _nearest_length(dimension, length),
        length,
        zh=f"{low} 到 {high} 字",
        en=f"{low} to {high} characters",
    )


def _nearest_length(dimension: Dimension, asked: LengthRange) -> Choice:
    middle = (asked.min + asked.max) / 2

    def distance(choice: Choice) -> float:
        assert choice.range is not None
        return max(choice.range.min - middle, middle - choice.range.max, 0.0)

    return min(dimension.choices, key=distance)


def not_understood(dimension: Dimension, typed: str) -> BriefError:
    """Return the error that names the values which look most like ``typed``."""
    near = _nearest(dimension.names, plain(typed))
    return BriefError(
        f"{dimension.label}“{shown(typed)}”没有看懂。最接近的是：{'、'.join(near)}。",
        f"{dimension.en} {shown(typed)!r} is not understood. Nearest: {', '.join(near)}.",
        field=dimension.name,
    )


def _nearest(names: Mapping[str, Choice], typed: str, count: int = 3) -> list[str]:
    """Return the values whose own name or best alias looks most like ``typed``."""
    likeness: dict[str, float] = {}
    for name, choice in names.items():
        ratio = SequenceMatcher(None, name, typed[:60]).ratio()
        likeness[choice.value] = max(ratio, likeness.get(choice.value, 0.0))
    return sorted(likeness, key=lambda value: -likeness[value])[:count]


def shown(typed: object) -> str:
    """Shorten what was typed for a message."""
    text = str(typed)
    return text if len(text) <= 24 else f"{text[:24]}…"
