"""Raters whose votes look like no reading took place: named, never silently dropped."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fencun.evaluate.table import LEFT, NEITHER, RIGHT, TIE, VoteTable

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


@dataclass(frozen=True, slots=True)
class _Habits:
    """How one rater votes, and how all others together do.

    ``choices`` counts LEFT, RIGHT, TIE and NEITHER; ``alike`` is how many of the pairs met
    ``again`` were judged as the first time; ``seconds`` the median (None: hardly measured).
    """

    rater: str
    choices: tuple[int, ...]
    alike: int
    again: int
    seconds: float | None
    others: tuple[int, ...]
    others_alike: int
    others_again: int

    @property
    def votes(self) -> int:
        return sum(self.choices)

    @property
    def undecided(self) -> int:
        return self.choices[TIE] + self.choices[NEITHER]


def oddities(table: VoteTable) -> list[Oddity]:
    """Return what is strange about raters: one side or one answer only, too fast, at random.

    Measured on simulated raters (benchmarks/evidence.py, odd_raters): of those who read about
    two in a hundred are named, of those who press four buttons at random nearly all; who
    presses left or right at random looks like anybody and only pulls everything towards even.
    """
    checks = (_one_side, _one_choice, _too_fast, _contradicts, _unlike_others)
    found = (check(habits) for habits in _habits(table) for check in checks)
    return [oddity for oddity in found if oddity]


def _habits(table: VoteTable) -> Iterator[_Habits]:
    raters = len(table.raters)
    choices = np.zeros((raters, NEITHER + 1), dtype=np.int64)
    np.add.at(choices, (table.rater, table.choice), 1)
    again = np.flatnonzero(table.earlier >= 0)
    outcome = table.outcome
    alike = outcome[again] == outcome[table.earlier[again]]
    met = np.bincount(table.rater[again], minlength=raters)
    same = np.bincount(table.rater[again], weights=alike, minlength=raters).astype(np.int64)
    everybody = choices.sum(axis=0)
    timed = ~np.isnan(table.seconds)
    for index in np.flatnonzero(choices.sum(axis=1)):
        known = table.seconds[timed & (table.rater == index)]
        yield _Habits(
            table.raters[index],
            tuple(choices[index].tolist()),
            int(same[index]),
            int(met[index]),
            float(np.median(known)) if len(known) >= _ENOUGH else None,
            tuple((everybody - choices[index]).tolist()),
            int(same.sum() - same[index]),
            int(met.sum() - met[index]),
        )


def _at_most(count: int, total: int, share: float) -> float:
    """Return how likely ``count`` or fewer of ``total`` are, each with the chance ``share``."""
    from scipy import special

    return float(special.bdtr(count, total, share)) if count >= 0 else 0.0


def _one_side(habits: _Habits) -> Oddity | None:
    left, right = habits.choices[LEFT], habits.choices[RIGHT]
    total, many = left + right, max(left, right)
    if total < _ENOUGH:
        return None
    # Sides are drawn at random, so whoever reads lands on each about half the time.
    if 2 * _at_most(total - many, total, 0.5) > _CHANCE:
        return None
    side_zh, side_en = ("左", "left") if left > right else ("右", "right")
    return Oddity(
        habits.rater,
        "one_side",
        habits.votes,
        f"{total} 次里 {many} 次选了{side_zh}边",
        f"chose the {side_en} {many} times out of {total}",
    )


def _one_choice(habits: _Habits) -> Oddity | None:
    if habits.votes < 2 * _ENOUGH:
        return None
    many = max(habits.choices[TIE], habits.choices[NEITHER])
    if many < _ONE_ANSWER * habits.votes:
        return None
    return Oddity(
        habits.rater,
        "one_choice",
        habits.votes,
        f"{habits.votes} 票里 {many} 票是同一个选项",
        f"gave one and the same answer {many} times out of {habits.votes}",
    )


def _too_fast(habits: _Habits) -> Oddity | None:
    middle = habits.seconds
    if middle is None or middle >= _SECONDS:
        return None
    return Oddity(
        habits.rater,
        "too_fast",
        habits.votes,
        f"一半的票不到 {middle:.1f} 秒就投了，两条读不完",
        f"half of the votes took under {middle:.1f} s, too short to read two answers",
    )


def _contradicts(habits: _Habits) -> Oddity | None:
    same, again = habits.alike, habits.again
    if again < _REPEATS:
        return None
    asked = habits.others_again
    usual = _LEAST_AGREEING
    if asked >= 2 * _ENOUGH:
        usual = max(habits.others_alike / asked, usual)
    # Never once like oneself is told from four on; else only what chance would hardly do.
    if same and _at_most(same, again, usual) > 2 * _CHANCE:
        return None
    return Oddity(
        habits.rater,
        "contradicts",
        habits.votes,
        f"重看 {again} 组，只有 {same} 组和自己第一次一致",
        f"agreed with themselves on {same} of {again} pairs met again",
    )


def _unlike_others(habits: _Habits) -> Oddity | None:
    """Whoever presses buttons at random says 一样好 and 都不行 as often as anything else."""
    mine, others = habits.votes, sum(habits.others)
    if mine < _ENOUGH or others < 8 * _ENOUGH:
        return None
    decided = habits.others[LEFT] + habits.others[RIGHT]
    share = 1.0 - (decided + 1.0) / (others + 3.0)
    undecided = habits.undecided
    if 1.0 - _at_most(undecided - 1, mine, share) > _CHANCE / 2:
        return None
    return Oddity(
        habits.rater,
        "undecided",
        mine,
        f"{mine} 票里 {undecided} 票说“一样好”或“都不行”，别人只有 {100 * share:.0f}%",
        f"said tie or neither {undecided} times out of {mine}; others do in {100 * share:.0f} %",
    )
