"""Simulated studies with a known truth."""

import dataclasses

import numpy as np
import pytest
from vote_case import compared

from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.simulate import World, looked, simulate, worth_seen
from fencun.evaluate.strengths import strengths


def test_equal_votes_give_equal_numbers() -> None:
    table = simulate(World(), np.random.default_rng(1))
    assert compared(table, "bare", "tuned") == compared(table, "bare", "tuned")


def test_true_strengths_are_found() -> None:
    world = World(truth=(-1.5, 0.0, 0.5, 1.5), raters=60, taste=0.0, quality=0.0, pull=0.0, tie=0.0)
    fitted = strengths(simulate(world, np.random.default_rng(9))).values
    assert fitted - fitted.mean() == pytest.approx(np.array(world.truth) - 0.125, abs=0.25)


@pytest.mark.parametrize("strength", [0.0, 0.9, 1.6])
def test_the_short_way_to_worth_is_the_long_one(strength: float) -> None:
    world = World(truth=(0.0, 0.0, 0.0, strength), raters=68)
    rules, seeds = shipped_rules(), range(20, 24)
    short = [worth_seen(world, rules, seed) for seed in seeds]
    assert short == ["worth" in looked(world, rules, seed) for seed in seeds]
    assert sum(short) == {0.0: 0, 0.9: 3, 1.6: 4}[strength]


def test_raters_who_vote_together_cast_what_they_cast_alone() -> None:
    world = World(raters=5, busy=(120, 60, 30, 30, 30))
    table = simulate(dataclasses.replace(world, together=True), np.random.default_rng(3))
    assert np.bincount(table.rater).tolist() == [120, 60, 30, 30, 30]
    assert np.bincount(table.rater[:90]).tolist() == pytest.approx([40, 20, 10, 10, 10], abs=1)
    again = np.flatnonzero(table.earlier >= 0)
    first = table.earlier[again]
    assert (first < again).all()
    assert (table.rater[again] == table.rater[first]).all()
    assert (table.brief[again] == table.brief[first]).all()
    assert (table.left[again] == table.right[first]).all()
