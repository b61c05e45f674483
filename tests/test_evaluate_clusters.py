"""How sure a number from votes is when raters and briefs are both samples."""

import math

import numpy as np
import pytest
from scipy import stats

from fencun.evaluate import clusters

EVEN = np.repeat(np.arange(10), 8)
BRIEFS = np.tile(np.arange(8), 10)


def test_busy_groups_say_less_than_their_number() -> None:
    assert clusters.effective(EVEN) == pytest.approx(10)
    busy = np.concatenate([np.zeros(72, dtype=np.int64), np.arange(1, 10)])
    assert 1.0 < clusters.effective(busy) < 1.3
    assert clusters.effective(np.array([], dtype=np.int64)) == 0.0


def test_votes_that_are_independent_have_the_interval_of_independent_votes() -> None:
    said = np.random.default_rng(3).integers(0, 2, len(EVEN)).astype(np.float64)
    found = clusters.share(said, np.ones(len(said)), EVEN, BRIEFS, 0.95)
    assert found.votes == 80
    assert found.share == pytest.approx((said.sum() + 0.5) / 81)
    plain = 1 / math.sqrt(len(said) * found.share * (1 - found.share))
    assert found.error == pytest.approx(plain, rel=0.6)
    assert found.low < found.share < found.high


def test_raters_who_each_say_one_thing_make_a_wider_interval() -> None:
    each = (EVEN % 2).astype(np.float64)
    mixed = np.random.default_rng(3).integers(0, 2, len(EVEN)).astype(np.float64)
    weight = np.ones(len(EVEN))
    torn = clusters.share(each, weight, EVEN, BRIEFS, 0.95)
    even = clusters.share(mixed, weight, EVEN, BRIEFS, 0.95)
    assert torn.high - torn.low > 1.5 * (even.high - even.low)


def test_one_rater_says_nothing_of_others_and_no_vote_nothing_at_all() -> None:
    one = np.zeros(8, dtype=np.int64)
    alone = clusters.share(np.ones(8), np.ones(8), one, np.arange(8), 0.95)
    assert (alone.low, alone.high) == (0.0, 1.0)
    none = clusters.share(np.ones(8), np.ones(8), one - 1, np.arange(8), 0.95)
    assert (none.votes, none.share) == (0, None)


def test_quantiles_are_those_of_the_tables() -> None:
    assert clusters.student(10, 0.95) == pytest.approx(2.228, abs=1e-3)
    assert clusters.tukey(2, 20, 0.95) == pytest.approx(stats.t.ppf(0.975, 20), abs=1e-3)
    assert clusters.tukey(4, 20, 0.95) > clusters.tukey(2, 20, 0.95)
    assert clusters.logistic(0.0) == 0.5
    assert clusters.logistic(-1e9) == 0.0


def test_groups_are_renumbered_without_gaps() -> None:
    assert clusters.sorted_unique(np.array([7, 3, 7, 9])).tolist() == [1, 0, 1, 2]
