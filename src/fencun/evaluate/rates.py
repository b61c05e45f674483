"""How often: wins, ties and 都不行 of each pair, and answers that would be sent as they are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from fencun.evaluate.clusters import ClusteredShare, share
from fencun.evaluate.table import LEFT, NEITHER, RIGHT, TIE, UNSAID, Bools, VoteTable


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` of ``total``, and the Wilson interval; all three are None where total is 0."""

    count: int
    total: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PairRate:
    """What people said of ``a`` against ``b``. ``wins`` is the share among decided votes."""

    a: str
    b: str
    wins: Rate
    losses: int
    ties: int
    neither: int

    @property
    def votes(self) -> int:
        """How many votes there are on this pair."""
        return self.wins.total + self.ties + self.neither


@dataclass(frozen=True, slots=True)
class ArmRate:
    """How people took one arm: would send as is, and 都不行 when it was one of the two.

    ``send`` counts a brief that the arm left unanswered as not sent; its interval takes
    raters and briefs as samples. ``shown`` is how often an answer was shown, ``said`` how
    often it was said whether it would be sent: what was not said is missing, not a no.
    """

    arm: str
    send: ClusteredShare
    shown: int
    neither: Rate

    @property
    def said(self) -> int:
        """How often raters said whether they would send it."""
        return self.send.votes


@cache
def wilson(count: int, total: int, confidence: float = 0.95) -> Rate:
    """Return ``count`` of ``total`` with its Wilson score interval (Wilson 1927)."""
    if total == 0:
        return Rate(0, 0, None, None, None)
    from scipy import special

    share, wide = count / total, float(special.ndtri((1 + confidence) / 2)) ** 2 / total
    middle = (share + wide / 2) / (1 + wide)
    half = math.sqrt(wide * share * (1 - share) + wide**2 / 4) / (1 + wide)
    low = 0.0 if count == 0 else middle - half
    return Rate(count, total, share, low, 1.0 if count == total else middle + half)


def pair_rates(table: VoteTable, confidence: float = 0.95) -> list[PairRate]:
    """Return every pair of arms that was voted on, repeats left out."""
    table = table.first_time()
    outcome, pair = table.outcome, table.pair
    rates = []
    for a, b in _pairs(len(table.arms)):
        said = outcome[pair == a * len(table.arms) + b]
        if not len(said):
            continue
        won, lost = int((said == LEFT).sum()), int((said == RIGHT).sum())
        rates.append(
            PairRate(
                table.arms[a],
                table.arms[b],
                wilson(won, won + lost, confidence),
                lost,
                int((said == TIE).sum()),
                int((said == NEITHER).sum()),
            )
        )
    return rates


def arm_rates(table: VoteTable, confidence: float = 0.95) -> list[ArmRate]:
    """Return for every arm how often its answers would be sent, and how often nothing would do."""
    table = table.first_time()
    return [_arm_rate(table, index, confidence) for index in range(len(table.arms))]


def _arm_rate(table: VoteTable, index: int, confidence: float) -> ArmRate:
    left, right = table.left == index, table.right == index
    said = np.concatenate([table.send[left, 0], table.send[right, 1]])
    rater = np.concatenate([table.rater[left], table.rater[right]])
    brief = np.concatenate([table.brief[left], table.brief[right]])
    known = said != UNSAID
    said, rater, brief = said[known].astype(np.float64), rater[known], brief[known]
    owed = table.settled.missing[index] if len(table.settled.missing) else np.zeros(0, np.int64)
    silent = np.repeat(np.arange(len(owed)), owed)
    # What is not there is not sent, and weighs as much as the mean text that was shown.
    weight = len(said) / max(1, len(table.briefs) * table.draws - len(silent))
    send = share(
        np.concatenate([said, np.zeros(len(silent))]),
        np.concatenate([np.ones(len(said)), np.full(len(silent), weight)]),
        np.concatenate([rater, np.full(len(silent), -1, dtype=np.int64)]),
        np.concatenate([brief, silent]),
        confidence,
    )
    shown = int(left.sum() + right.sum())
    neither = int(((left | right) & (table.choice == NEITHER)).sum())
    return ArmRate(table.arms[index], send, shown, wilson(neither, shown, confidence))


def preferred(table: VoteTable, arm: str, over: str, mask: Bools | None = None) -> Rate:
    """Return how often ``arm`` was preferred to ``over`` where either was (ties apart)."""
    table = table.first_time() if mask is None else table.where(mask & (table.earlier < 0))
    one, two = table.arms.index(arm), table.arms.index(over)
    forward = (table.left == one) & (table.right == two)
    backward = (table.left == two) & (table.right == one)
    won = (forward & (table.choice == LEFT)) | (backward & (table.choice == RIGHT))
    lost = (forward & (table.choice == RIGHT)) | (backward & (table.choice == LEFT))
    return wilson(int(won.sum()), int(won.sum() + lost.sum()))


def _pairs(size: int) -> Iterator[tuple[int, int]]:
    return ((a, b) for a in range(size) for b in range(a + 1, size))
