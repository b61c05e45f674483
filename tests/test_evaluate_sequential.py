"""A verdict at the registered looks and at no other time."""

import dataclasses

import numpy as np
import pytest
from decide_case import PLANNED, RULES, WORTH, kinds, of

from fencun.evaluate.decide import decide
from fencun.evaluate.simulate import looked, simulate
from fencun.evaluate.table import VoteTable


@pytest.fixture(scope="module")
def strong() -> VoteTable:
    return simulate(WORTH, np.random.default_rng(1))


def test_before_the_first_look_nothing_is_told_of_the_arms(strong: VoteTable) -> None:
    done = of(strong.first(PLANNED - 1))
    assert done.look is None
    assert done.ruling.decision == "evidence"
    assert done.facts.raters > 20
    assert not done.facts.comparisons
    assert not done.facts.arms
    assert done.facts.strengths is None
    assert kinds(done) == ["votes"]


def test_votes_after_a_look_wait_for_the_next(strong: VoteTable) -> None:
    at_look, later = of(strong.first(PLANNED)), of(strong)
    assert later.cast > at_look.cast
    assert later.facts.comparisons == at_look.facts.comparisons


def test_looking_more_often_shows_nothing_else() -> None:
    world = dataclasses.replace(WORTH, raters=10)
    often = looked(world, RULES, 5, every=60, planned=110, all_of_them=True)
    assert often == looked(world, RULES, 5, every=60, planned=110)


def test_a_verdict_that_hangs_on_odd_raters_is_not_given(strong: VoteTable) -> None:
    facts = of(strong).facts
    assert decide(facts, RULES, robust=True).decision == "worth"
    assert decide(facts, RULES, robust=False).decision == "evidence"
