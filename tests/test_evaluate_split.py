"""The variance of a vote is split as it was put together, in worlds where that is known."""

from dataclasses import replace

import numpy as np
import pytest

from fencun.evaluate.planning import as_good_as, votes_planned
from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.simulate import World, simulate
from fencun.evaluate.split import Split, split
from fencun.evaluate.table import tabulate

TWO = World(
    arms=("prompt", "tuned"), truth=(0.0, 0.3), raters=60, briefs=40, tie=0.0, bar=-9, quality=1.2
)


def measured(world: World, studies: int = 5) -> list[Split]:
    found = [
        split(simulate(world, np.random.default_rng(seed)), "tuned") for seed in range(studies)
    ]
    assert all(found)
    return [one for one in found if one]


def test_luck_is_found_as_it_was_put_in() -> None:
    for luck in (0.1, 0.8):
        found = measured(replace(TWO, draws=3, luck=luck, taste=0.0))
        assert np.mean([one.luck for one in found if one.luck is not None]) == pytest.approx(
            luck, abs=0.2
        )


def test_raters_who_differ_take_their_part_of_the_doubt() -> None:
    alike = np.mean([one.left[2] for one in measured(replace(TWO, taste=0.0))])
    apart = np.mean([one.left[2] for one in measured(replace(TWO, taste=1.5))])
    assert alike < 0.15
    assert apart > alike + 0.2


def test_parts_are_shares_of_the_whole_and_add_up_to_the_variance_of_a_vote() -> None:
    (found,) = measured(replace(TWO, draws=2), studies=1)
    assert sum(found.left) == pytest.approx(1.0)
    assert min(found.left) >= 0
    whole = found.briefs + (found.texts or 0.0) + found.raters + found.rest
    assert whole == pytest.approx(0.25, abs=0.03)


def test_with_one_text_a_brief_luck_is_not_told() -> None:
    (found,) = measured(TWO, studies=1)
    assert found.texts is None
    assert found.luck is None
    assert found.left[1] == 0.0


def test_nothing_is_told_of_nothing() -> None:
    assert split(tabulate([], TWO.arms), "tuned") is None


def test_more_texts_a_brief_are_as_good_as_more_briefs() -> None:
    assert as_good_as(78, 1, 0.5) == pytest.approx(78)
    assert as_good_as(78, 3, 0.5) == pytest.approx(117)
    assert as_good_as(78, 3, 0.0) == pytest.approx(78)
    rules = shipped_rules()
    planned = [votes_planned(4, 78, rules, draws) for draws in (1, 2, 3)]
    assert planned == sorted(planned, reverse=True)
    assert planned[0] > planned[2]
