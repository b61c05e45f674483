"""Raters whose votes look like no reading took place: named, never silently dropped."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from fencun.evaluate.table import LEFT, RIGHT, Ints, VoteTable

_ENOUGH = 12
_CHANCE = 0.01  # how often one test may name a rater who reads
_ONE_ANSWER = 0.95
_SECONDS = 3.0
_REPEATS = 4
_LEAST_AGREEING = 0.5  # honest raters repeat themselves at least this often, if nothing is known


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something strange about one rater: said in numbers, for a person to judge."""

    rater: str
    kind: str
    votes: int
    zh: str
    en: str


def oddities(table: VoteTable) -> list[Oddity]:
    """Return what is strange about raters: one side or one answer only, too fast, at random.

    Measured on simulated raters (benchmarks/evidence.py, odd_raters): of those who read about
    two in a hundred are named, of those who press four buttons at random nearly all; who
    presses left or right at random looks like anybody and only pulls everything towards even.
    """
    found: list[Oddity] = []
    for index, rater in enumerate(table.raters):
        own = table.rater == index
        mine, others = table.where(own), table.where(~own)
        checks = (
            _one_side(rater, mine),
            _one_choice(rater, mine),
            _too_fast(rater, mine),
            _contradicts(rater, mine, others),
            _unlike_others(rater, mine, others),
        )
        found += [oddity for oddity in checks if oddity]
    return found


def _one_side(rater: str, mine: VoteTable) -> Oddity | None:
    left, right = int((mine.choice == LEFT).sum()), int((mine.choice == RIGHT).sum())
    if left + right < _ENOUGH:
        return None
    # Sides are drawn at random, so whoever reads lands on each about half the time.
    if _by_chance(left, left + right) > _CHANCE:
        return None
    side_zh, side_en = ("左", "left") if left > right else ("右", "right")
    many = max(left, right)
    return Oddity(
        rater,
        "one_side",
        len(mine),
        f"{left + right} 次里 {many} 次选了{side_zh}边",
        f"chose the {side_en} {many} times out of {left + right}",
    )


@cache
def _by_chance(left: int, total: int) -> float:
    from scipy import stats

    return float(stats.binomtest(left, total).pvalue)


def _one_choice(rater: str, mine: VoteTable) -> Oddity | None:
    if len(mine) < 2 * _ENOUGH:
        return None
    many = int(np.bincount(mine.choice, minlength=4)[2:].max())
    if many < _ONE_ANSWER * len(mine):
        return None
    return Oddity(
        rater,
        "one_choice",
        len(mine),
        f"{len(mine)} 票里 {many} 票是同一个选项",
        f"gave one and the same answer {many} times out of {len(mine)}",
    )


def _too_fast(rater: str, mine: VoteTable) -> Oddity | None:
    known = mine.seconds[~np.isnan(mine.seconds)]
    if len(known) < _ENOUGH:
        return None
    middle = float(np.median(known))
    if middle >= _SECONDS:
        return None
    return Oddity(
        rater,
        "too_fast",
        len(mine),
        f"一半的票不到 {middle:.1f} 秒就投了，两条读不完",
        f"half of the votes took under {middle:.1f} s, too short to read two answers",
    )


def _same(table: VoteTable) -> tuple[int, int]:
    """Return how many pairs met again were judged alike, and how many there are."""
    again = np.flatnonzero(table.earlier >= 0)
    outcome = table.outcome
    return int((outcome[again] == outcome[table.earlier[again]]).sum()), len(again)


def _contradicts(rater: str, mine: VoteTable, others: VoteTable) -> Oddity | None:
    from scipy import stats

    same, again = _same(mine)
    if again < _REPEATS:
        return None
    theirs, asked = _same(others)
    usual = max(theirs / asked, _LEAST_AGREEING) if asked >= 2 * _ENOUGH else _LEAST_AGREEING
    # Never once like oneself is told from four on; else only what chance would hardly do.
    if same and stats.binom.cdf(same, again, usual) > 2 * _CHANCE:
        return None
    return Oddity(
        rater,
        "contradicts",
        len(mine),
        f"重看 {again} 组，只有 {same} 组和自己第一次一致",
        f"agreed with themselves on {same} of {again} pairs met again",
    )


def _unlike_others(rater: str, mine: VoteTable, others: VoteTable) -> Oddity | None:
    """Whoever presses buttons at random says 一样好 and 都不行 as often as anything else."""
    from scipy import stats

    if len(mine) < _ENOUGH or len(others) < 8 * _ENOUGH:
        return None
    usual = (np.bincount(_kind(others), minlength=3) + 1.0) / (len(others) + 3.0)
    undecided = int((_kind(mine) > 0).sum())
    share = 1.0 - float(usual[0])
    if stats.binom.sf(undecided - 1, len(mine), share) > _CHANCE / 2:
        return None
    return Oddity(
        rater,
        "undecided",
        len(mine),
        f"{len(mine)} 票里 {undecided} 票说“一样好”或“都不行”，别人只有 {100 * share:.0f}%",
        f"said tie or neither {undecided} times out of {len(mine)}; "
        f"others do in {100 * share:.0f} %",
    )


def _kind(table: VoteTable) -> Ints:
    """Return 0 for a vote that prefers one, 1 for a tie, 2 for neither."""
    kind: Ints = np.maximum(table.choice - RIGHT, 0)
    return kind
