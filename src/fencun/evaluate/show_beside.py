"""What stands beside a verdict, in rows and sentences for the report, the page and a terminal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fencun.evaluate.beside import Beside
from fencun.evaluate.clusters import ClusteredShare
from fencun.evaluate.facts import Facts
from fencun.evaluate.screening import Helped, Screening
from fencun.evaluate.show import NOTHING, percent
from fencun.evaluate.show import share as interval
from fencun.evaluate.show_reads import kind_title, rows
from fencun.evaluate.style import LONGER, AtEqualStyle
from fencun.files import Json
from fencun.language import say


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A titled table: column heads, and rows of a title and a cell a column."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    note: str = ""


def people_tables(facts: Facts, told: Beside) -> Iterator[ShownTable]:
    """Yield what else the votes say: at equal length and style, over nothing, where doubt is."""
    if told.controlled:
        yield _controlled(facts, told)
    if told.over_nothing:
        yield _over_nothing(told)
    if told.split:
        yield _split(told)


def read_tables(told: Beside) -> Iterator[ShownTable]:
    """Yield what was read and not voted: judges, then readers, people and AI apart."""
    for judge in told.screenings:
        yield _judge(judge)
    for kind, found in (told.reads or {"kinds": {}})["kinds"].items():
        arms = found["arms"]
        yield ShownTable(kind_title(kind, found["readers"]), tuple(arms), tuple(_read_rows(arms)))


def _read_rows(arms: Mapping[str, Json]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The rows of reads that say something: not nothing, and not what the row above says."""
    before: tuple[str, ...] = ()
    for title, cells in rows(arms, interval):
        if set(cells) != {NOTHING} and tuple(cells) != before:
            before = tuple(cells)
            yield title, before


def _controlled(facts: Facts, told: Beside) -> ShownTable:
    found = told.controlled
    assert found is not None
    body = []
    for length, style in zip(found.length, found.style, strict=True):
        raw = facts.contest(length.a, length.b)
        told_raw = _interval(raw.share, raw.low, raw.high) if raw else NOTHING
        cells = (
            told_raw,
            _alike(length),
            _alike(style),
        )
        body.append((say(f"{length.a} 胜 {length.b}", f"{length.a} over {length.b}"), cells))
    counts = say("，", ", ").join(
        say(f"{arm} {count:.0f} 字", f"{arm} {count:.0f}")
        for arm, count in found.characters.items()
    )
    note = say(
        f"写法指叹号、表情和句数。平均：{counts}。",
        f"Style: exclamation marks, pictures, sentences. Mean characters: {counts}.",
    )
    if found.longer is not None:
        note += say(
            f"别的都一样，长 {LONGER - 1:.0%} 的那条有 {percent(found.longer)} 的人选。",
            f" All else alike, {percent(found.longer)} choose the text {LONGER - 1:.0%} longer.",
        )
    if any(one.share is None for one in (*found.length, *found.style)):
        note += say(
            " 分不开：一组总是比另一组长（或写法总不一样），看不出人选的是组还是长短。",
            " Inseparable: one arm is always the longer (or set otherwise), so whether people "
            "chose the arm or the length cannot be told.",
        )
    heads = (
        say("原样", "as it is"),
        say("同样长短", "equal length"),
        say("写法也一样", "and style"),
    )
    title = say("拉平长短再看（只看，不判）", "At equal length (shown, not decisive)")
    return ShownTable(title, heads, tuple(body), note)


def _alike(found: AtEqualStyle) -> str:
    if found.share is None:
        return say("分不开", "inseparable")
    return _interval(found.share, found.low, found.high)


def _over_nothing(told: Beside) -> ShownTable:
    cells = tuple(_shared(found) for found in told.over_nothing.values())
    row = (say("宁可发它，也不空着", "rather this than nothing"), cells)
    note = say(
        "“都不行”也是一个选择：照 Davidson 和 Luce 的模型，从四种票一起算出来。",
        "Neither is a choice too: from all four kinds of votes, by the model of Davidson and Luce.",
    )
    return ShownTable(say("连“都不行”一起算", "With “neither” counted"), tuple(told.over_nothing),
                 (row,), note)  # fmt: skip


def _split(told: Beside) -> ShownTable:
    found = told.split
    assert found is not None
    names = (
        say("需求不同", "briefs"),
        say("单条的运气", "luck of one text"),
        say("评审人不同", "raters"),
        say("单票", "single votes"),
    )
    parts = (found.briefs, found.texts, found.raters, found.rest)
    body = tuple(
        (name, (NOTHING, NOTHING) if part is None else (percent(part / sum(filter(None, parts))),
                                                       percent(left)))
        for name, part, left in zip(names, parts, found.left, strict=True)
    )  # fmt: skip
    if told.draws:
        plans = say("；", "; ").join(
            say(f"每条需求写 {draws} 条，{votes} 票", f"{draws} texts a brief, {votes} votes")
            for draws, votes in told.draws.items()
        )
        luck = f"{found.luck or 0.0:.2f}"
        note = say(
            f"照这个运气，下次的计划：{plans}。登记时照它算：fencun eval run --luck {luck}",
            f"With this luck the next plan: {plans}. To register it: fencun eval run --luck {luck}",
        )
    else:
        note = say(
            "每条需求只写了一条，运气算在需求里；下次 --draws 2 就分得开。",
            "With one text a brief its luck is in the briefs; --draws 2 tells them apart.",
        )
    heads = (say("一票里", "of one vote"), say("结果里还剩", "left in the result"))
    return ShownTable(say("不确定来自哪里", "Where the doubt comes from"), heads, body, note)


def _judge(judge: Screening) -> ShownTable:
    title = say(
        f"{judge.judge} 是机器，不是人；读了 {judge.pairs} 对，这些不是票。",
        f"{judge.judge} is a machine: it read {judge.pairs} pairs. These are no votes.",
    )
    steady = percent(judge.steady)
    note = say(f"两个次序说得一样：{steady}。", f"Both orders alike: {steady}.")
    if judge.agrees is None or judge.agrees.share is None:
        note += say(
            "还没有人的票可对，不知道它准不准：只能先筛一筛，结论还是“证据不够”。",
            " No people's votes to hold it against: for screening only, evidence stays missing.",
        )
    else:
        agrees = _shared(judge.agrees)
        note += say(f"和人站一边：{agrees}。", f" On the side people took: {agrees}.")
    heads = (
        say("它读", "it read"),
        say("人投", "people"),
        say("合起来", "both"),
        say("相当于几票", "worth votes"),
    )
    return ShownTable(title, heads, tuple(_helped(one) for one in judge.helped), note)


def _helped(one: Helped) -> tuple[str, tuple[str, ...]]:
    title = say(f"{one.a} 胜 {one.b}", f"{one.a} over {one.b}")
    if one.people is None or one.both is None:
        return title, (percent(one.read), NOTHING, NOTHING, NOTHING)
    votes = f"{one.people.votes} → {one.worth}"
    return title, (percent(one.read), _shared(one.people), _shared(one.both), votes)


def _shared(found: ClusteredShare) -> str:
    return NOTHING if found.share is None else _interval(found.share, found.low, found.high)


def _interval(share: float, low: float, high: float) -> str:
    return f"{percent(share)} ({100 * low:.0f}–{100 * high:.0f})"
