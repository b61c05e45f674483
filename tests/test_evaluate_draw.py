"""Which rater sees what: sets that differ, stay balanced, and repeat a few pairs."""

import itertools
from collections import Counter

import numpy as np

from fencun.evaluate.draw import Items, draw, items

ASKABLE = [
    (brief, low, high, 0)
    for brief in range(30)
    for low, high in itertools.combinations(range(3), 2)
]


def questions(seed: int = 0) -> Items:
    random = np.random.default_rng(seed)
    return items(ASKABLE, {(0, 2), (1, 2)}, 3.0, shared=6, random=random)


def test_decisive_pairs_weigh_more_and_a_few_briefs_are_for_everybody() -> None:
    found = questions()
    pairs = zip(found.low.tolist(), found.high.tolist(), strict=True)
    weights = dict(zip(pairs, found.weight.tolist(), strict=True))
    assert weights == {(0, 1): 1.0, (0, 2): 3.0, (1, 2): 3.0}
    shared = np.flatnonzero(found.shared)
    assert len({int(found.brief[index]) for index in shared}) == len(shared) == 6
    assert all(found.high[index] == 2 for index in shared)


def test_a_set_asks_no_brief_twice_but_for_its_repeats_which_come_late_and_swapped() -> None:
    found = questions()
    drawn = draw(found, np.zeros(len(found)), ballots=24, random=np.random.default_rng(1))
    assert len(drawn) == 24
    first = [one for one in drawn if one.repeats is None]
    briefs = [int(found.brief[one.item]) for one in first]
    assert len(set(briefs)) == len(briefs)
    again = [(at, one) for at, one in enumerate(drawn) if one.repeats is not None]
    assert again
    for at, one in again:
        assert one.repeats is not None
        earlier = drawn[one.repeats]
        assert (earlier.item, earlier.swapped) == (one.item, not one.swapped)
        assert at - one.repeats >= 8


def test_over_many_raters_every_pair_is_seen_as_often_as_it_weighs() -> None:
    found = questions()
    random, seen = np.random.default_rng(2), np.zeros(len(found), dtype=np.int64)
    for _ in range(60):
        for one in draw(found, seen, ballots=20, random=random):
            seen[one.item] += one.repeats is None
    counts: Counter[tuple[int, int]] = Counter()
    for low, high, count, shared in zip(found.low, found.high, seen, found.shared, strict=True):
        if not shared:
            counts[int(low), int(high)] += int(count)
    assert counts[0, 2] > 2 * counts[0, 1]
    assert seen.min() > 0
