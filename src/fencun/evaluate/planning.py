"""How many votes would settle it: before a study by plan, during one by what it has seen."""

import math

from fencun.evaluate.rules import Rules
from fencun.evaluate.strengths import Comparison


def votes_planned(arms: int, rules: Rules) -> int:
    """Return how many votes, over all pairs, a study of ``arms`` arms is planned to need.

    Each pair of K arms with n decided votes gives log-odds differences the variance
    2 / (K n / 4) under a balanced design; ``design_effect`` covers that votes of one rater,
    or on one brief, are alike.
    """
    plan = rules.plan
    target = _target(_log_odds(plan.effect), rules)
    per_pair = 8.0 / (arms * target**2) * plan.design_effect / plan.decided
    pairs = arms * (arms - 1) // 2
    return math.ceil(per_pair) * pairs


def votes_missing(comparison: Comparison, votes: int, arms: int, rules: Rules) -> int:
    """Return how many more votes, from new raters like those so far, would settle it.

    Settled is: the interval lies above 1/2, or ends below what would be worth the effort;
    the nearer of the two. At most ``rules.plan.most``: past that the difference is too
    small to chase.
    """
    if votes == 0 or not math.isfinite(comparison.error) or comparison.error <= 0:
        return max(1, votes_planned(arms, rules) - votes)
    odds = _log_odds(min(max(comparison.share, 1e-6), 1 - 1e-6))
    worth = _log_odds(rules.at("tuning_adds_little"))
    distance = max(odds, worth - odds)
    needed = votes * (comparison.error / _target(distance, rules)) ** 2
    return int(min(rules.plan.most, max(1, math.ceil(needed - votes))))


def _target(distance: float, rules: Rules) -> float:
    """Return the standard error at which ``distance`` is found with the planned power."""
    from scipy import stats

    sure = float(stats.norm.ppf(0.5 + rules.confidence / 2))
    found = float(stats.norm.ppf(rules.plan.power))
    return distance / (sure + found)


def _log_odds(share: float) -> float:
    return math.log(share / (1.0 - share))
