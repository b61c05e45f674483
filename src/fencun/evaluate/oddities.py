"""Raters whose votes look like no reading took place: named, never silently dropped."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from fencun.evaluate.table import LEFT, RIGHT, VoteTable

_ENOUGH = 12
_CHANCE = 1e-4
_ONE_ANSWER = 0.95
_SECONDS = 3.0
_REPEATS = 4


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something strange about one rater: said in numbers, for a person to judge."""

    rater: str
    kind: str
    votes: int
    zh: str
    en: str


def oddities(table: VoteTable) -> list[Oddity]:
    """Return what is strange about raters: one side only, one answer only, too fast, at random."""
    found: list[Oddity] = []
    for index, rater in enumerate(table.raters):
        mine = table.where(table.rater == index)
        for check in (_one_side, _one_choice, _too_fast, _contradicts):
            if oddity := check(rater, mine):
                found.append(oddity)
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


def _contradicts(rater: str, mine: VoteTable) -> Oddity | None:
    again = np.flatnonzero(mine.earlier >= 0)
    if len(again) < _REPEATS:
        return None
    outcome = mine.outcome
    same = int((outcome[again] == outcome[mine.earlier[again]]).sum())
    if 4 * same > len(again):
        return None
    return Oddity(
        rater,
        "contradicts",
        len(mine),
        f"重看 {len(again)} 组，只有 {same} 组和自己第一次一致",
        f"agreed with themselves on {same} of {len(again)} pairs met again",
    )
