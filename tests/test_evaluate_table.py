"""Votes as columns of numbers."""

import dataclasses

import numpy as np
import pytest
from vote_case import compared, vote

from fencun.evaluate.simulate import World, simulate
from fencun.evaluate.table import LEFT, RIGHT, TIE, settle_pairs, tabulate


def test_sides_do_not_matter_for_who_won() -> None:
    straight = [vote(i, "left") for i in range(12)]
    turned = [vote(i, "right", left="prompt", right="tuned") for i in range(12)]
    for votes in (straight, turned):
        table = tabulate(votes, ["prompt", "tuned"])
        assert compared(table, "tuned", "prompt").share < 0.1


def test_links_survive_filtering() -> None:
    table = simulate(World(raters=3), np.random.default_rng(6))
    second = table.where(table.rater == 1)
    again = np.flatnonzero(second.earlier >= 0)
    assert len(again) == 6
    assert (second.brief[again] == second.brief[second.earlier[again]]).all()
    assert (second.pair[again] == second.pair[second.earlier[again]]).all()
    assert (second.left[again] == second.right[second.earlier[again]]).all()


def test_tables_are_frozen() -> None:
    table = simulate(World(raters=2), np.random.default_rng(6))
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.arms = ()  # type: ignore[misc]


def test_texts_of_one_draw_are_held_together() -> None:
    texts = [[("甲", "乙"), (None, "丁")], [("甲", "丙"), ("戊", None)]]
    found = settle_pairs(texts)
    assert list(zip(found.brief, found.low, found.high, found.outcome, strict=True)) == [
        (0, 0, 1, TIE),
        (1, 0, 1, RIGHT),
        (1, 0, 1, LEFT),
    ]
    assert found.missing.tolist() == [[0, 1], [0, 1]]
