"""How many votes a study is planned for, when it may be looked at, and how many are missing."""

import math
from dataclasses import dataclass
from itertools import pairwise

from fencun.evaluate.rules import Look, PlanRules, Rules

MOST = 20_000


@dataclass(frozen=True, slots=True)
class Reached:
    """A look that was reached: which (from 0), on how many votes, at which confidence."""

    number: int
    votes: int
    look: Look


def votes_planned(arms: int, briefs: int, rules: Rules) -> int:
    """Return how many votes, over all pairs, a study of ``arms`` arms is planned to need.

    Simulated for some numbers of briefs (rules.yaml); between them what briefs add to the
    doubt falls as 1 / briefs. More arms than were simulated need as many more as pairs are.
    """
    table = rules.plan.votes
    known = max((k for k in table if k <= arms), default=min(table))
    pairs = _pairs(max(arms, known)) / _pairs(known)
    return math.ceil(_between(table[known], briefs) * pairs)


def _pairs(arms: int) -> int:
    return arms * (arms - 1) // 2


def _between(votes: dict[int, int], briefs: int) -> float:
    points = sorted(votes.items())
    if briefs <= points[0][0]:
        return float(points[0][1])
    for (few, more_votes), (many, fewer_votes) in pairwise(points):
        if briefs <= many:
            along = (1 / few - 1 / briefs) / (1 / few - 1 / many)
            return more_votes + along * (fewer_votes - more_votes)
    return float(points[-1][1])


def reached(votes: int, planned: int, plan: PlanRules) -> Reached | None:
    """Return the last look that ``votes`` reach; None before the first."""
    found = None
    for number, look in enumerate(plan.looks):
        needed = look_votes(planned, look)
        if votes >= needed:
            found = Reached(number, needed, look)
    return found


def look_votes(planned: int, look: Look) -> int:
    """Return on how many votes a look is."""
    return math.ceil(planned * look.at)


def next_look(votes: int, planned: int, plan: PlanRules) -> int | None:
    """Return on how many votes the next look is; None after the last."""
    ahead = [look_votes(planned, look) for look in plan.looks]
    return next((needed for needed in ahead if needed > votes), None)


def votes_needed(
    share: float, error: float, votes: int, bound: float, look: Look
) -> tuple[int, int]:
    """Return how many votes it takes until the interval of ``share`` clears ``bound``: a range.

    ``error`` is the standard error of the log odds on ``votes`` votes. The range comes of how
    little is known of the share itself: one standard error to either side. At most ``MOST``:
    past that the difference is too small to chase.
    """
    from scipy import stats

    reach = float(stats.norm.ppf(1 - look.alpha) + stats.norm.ppf(0.5))
    away = _odds(share) - _odds(bound)
    ends = [abs(away) + error, max(abs(away) - error, 0.0)]
    low, high = (
        MOST if distance <= 0 else min(MOST, math.ceil(votes * (error * reach / distance) ** 2))
        for distance in ends
    )
    return max(votes + 1, low), max(votes + 1, high)


def _odds(share: float) -> float:
    share = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(share / (1.0 - share))
