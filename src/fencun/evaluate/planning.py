"""How many votes a study is planned for, when it may be looked at, and how many are missing."""

import math
from dataclasses import dataclass
from itertools import pairwise

from fencun.evaluate.rules import CHEAPER, Look, PlanRules, VerdictRules

MOST = 20_000
DECISIVE = 3.0  # how often a pair that the verdict hangs on is asked, others once


@dataclass(frozen=True, slots=True)
class Reached:
    """A look that was reached: which (from 0), on how many votes, at which confidence."""

    number: int
    votes: int
    look: Look


def votes_planned(arms: int, briefs: int, rules: VerdictRules, draws: int = 1) -> int:
    """Return how many votes, over all pairs, a study of ``arms`` arms is planned to need.

    Simulated for some numbers of briefs (rules.yaml); between them what briefs add to the
    doubt falls as 1 / briefs. Several ``draws`` a brief make the briefs as good as more of
    them. More arms than were simulated need as many more as keeps the votes on the pairs that
    decide.
    """
    table = rules.plan.votes
    known = max((k for k in table if k <= arms), default=min(table))
    pairs = _asked(max(arms, known)) / _asked(known)
    return math.ceil(_between(table[known], as_good_as(briefs, draws, rules.plan.luck)) * pairs)


def briefs_needed(arms: int, rules: VerdictRules) -> int:
    """Return with how many briefs the planned votes of ``arms`` arms keep the power, one text each.

    With fewer more votes hardly help.
    """
    table = rules.plan.votes
    return min(table[max((k for k in table if k <= arms), default=min(table))])


def as_good_as(briefs: float, draws: int, luck: float) -> float:
    """Return how many briefs with one text each say as much as ``briefs`` with ``draws`` each.

    ``luck`` is the part of what differs between texts that is the single text's.
    """
    return briefs / (1 - luck + luck / draws)


def _asked(arms: int) -> float:
    """How often all pairs together are asked, a pair that nothing hangs on being asked once."""
    pairs, deciding = arms * (arms - 1) // 2, min(arms - 1, len(CHEAPER))
    return pairs + (DECISIVE - 1) * deciding


def _between(votes: dict[int, int], briefs: float) -> float:
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
