"""How strong each arm is, how sure that is, and what few votes cannot say."""

import math

import numpy as np
from vote_case import compared, vote

from fencun.evaluate.simulate import World, simulate
from fencun.evaluate.strengths import over_nothing, strengths
from fencun.evaluate.table import tabulate


def test_an_arm_that_nobody_wants_is_worse_than_nothing() -> None:
    votes = [vote(i, "neither", rater=f"r{i % 8}") for i in range(60)]
    votes += [vote(100 + i, "left", rater=f"r{i % 8}", left="rag", right="bare") for i in range(60)]
    table = tabulate(votes, ["bare", "prompt", "rag", "tuned"])
    _, prompt, rag, tuned = over_nothing(table, 0.95)
    assert prompt.share is not None
    assert prompt.share < 0.2
    assert tuned.high < 0.5
    assert rag.low > 0.5


def test_one_rater_says_nothing_about_others() -> None:
    votes = [vote(i, "left", rater="only", brief=f"b{i}") for i in range(60)]
    comparison = compared(tabulate(votes, ["tuned", "prompt"]), "tuned", "prompt")
    assert comparison.share > 0.9
    assert (comparison.low, comparison.high, comparison.better) == (0.0, 1.0, None)


def test_all_ties_and_one_vote_are_calm() -> None:
    for votes in ([vote(i, "tie") for i in range(40)], [vote(0, "left")]):
        comparison = compared(tabulate(votes, ["tuned", "prompt"]), "tuned", "prompt")
        assert comparison.low <= comparison.share <= comparison.high
        assert comparison.better is None


def test_a_clean_sweep_stays_finite() -> None:
    votes = [vote(i, "left") for i in range(100)]
    comparison = compared(tabulate(votes, ["tuned", "prompt"]), "tuned", "prompt")
    assert 0.95 < comparison.share < 1.0
    assert math.isfinite(comparison.error)


def test_intervals_widen_when_raters_differ() -> None:
    errors = {0.0: 0.0, 3.0: 0.0}
    for taste in errors:
        for seed in range(5):
            table = simulate(World(taste=taste, raters=10), np.random.default_rng(seed))
            errors[taste] += strengths(table).preferred("tuned", "bare")[1]
    assert errors[3.0] > 1.4 * errors[0.0]
