"""What stands between a study and a verdict: votes are asked for only where they would cure it."""

import dataclasses

import numpy as np
import pytest
from decide_case import PLANNED, RULES, WORTH, kinds, of

from fencun.evaluate.blocks import blocks, few_briefs
from fencun.evaluate.simulate import ARMS, World, simulate
from fencun.evaluate.table import UNSAID, VoteTable, tabulate


@pytest.fixture(scope="module")
def strong() -> VoteTable:
    return simulate(WORTH, np.random.default_rng(1))


def test_no_votes_is_evidence_missing_with_the_planned_number() -> None:
    done = of(tabulate([], ARMS))
    assert done.ruling.decision == "evidence"
    (block,) = blocks(done, RULES)
    assert (block.kind, block.votes) == ("votes", (PLANNED, PLANNED))


def test_too_few_briefs_are_not_cured_by_votes(strong: VoteTable) -> None:
    few = strong.where(strong.brief < 20)
    done = of(few, planned=100, briefs=20)
    found = blocks(done, RULES)
    assert found[0].kind == "briefs"
    assert found[0].votes is None


def test_send_never_said_is_missing_and_votes_are_not_asked_for(strong: VoteTable) -> None:
    done = of(dataclasses.replace(strong, send=np.full_like(strong.send, UNSAID)))
    assert done.ruling.decision == "evidence"
    (block,) = blocks(done, RULES)
    assert (block.kind, block.votes, block.by_people) == ("send", None, False)


def test_answers_that_nobody_would_send_are_not_cured_by_votes(strong: VoteTable) -> None:
    done = of(dataclasses.replace(strong, send=np.zeros_like(strong.send)))
    assert done.ruling.decision == "evidence"
    (block,) = blocks(done, RULES)
    assert (block.kind, block.votes, block.by_people) == ("send", None, False)
    assert "加票不会变" in block.cure_zh


WEAKER = World(truth=(0.0, 0.0, 0.0, 0.9))


@pytest.mark.parametrize(
    "world",
    [
        World(),
        World(quality=0.4, sends=-0.1),
        WEAKER,
        dataclasses.replace(WEAKER, raters=68),
        dataclasses.replace(WORTH, sends=-1.6),
        dataclasses.replace(WORTH, busy=(210,) * 5),
        dataclasses.replace(WORTH, busy=(400, 400, 40, 40, 40, 40, 40)),
        World(circle=1.6),
        World(briefs=25),
    ],
)
def test_a_verdict_that_is_not_given_says_what_blocks(world: World) -> None:
    world = world if world.busy or world.raters > 34 else dataclasses.replace(world, raters=34)
    for seed in range(60, 64):
        table = simulate(world, np.random.default_rng(seed))
        done = of(table, planned=800, briefs=world.briefs)
        assert bool(blocks(done, RULES)) == (done.ruling.decision == "evidence")
        for block in blocks(done, RULES):
            if block.votes:  # votes are asked for up to a look, and to one that is registered
                assert {done.cast + needed for needed in block.votes} <= {800, 1200, 1600}


def test_five_who_vote_alike_are_five_and_twenty_five_briefs_are_enough() -> None:
    world = dataclasses.replace(WORTH, briefs=25, busy=(210,) * 5, taste=0.1, quality=0.2)
    done = of(simulate(world, np.random.default_rng(4)), planned=747, briefs=25)
    assert done.facts.raters_effective < 5
    assert done.facts.briefs_effective < 25
    assert done.ruling.met("raters")
    assert done.ruling.met("briefs")
    assert not {"raters", "briefs"} & set(kinds(done))


def test_votes_on_few_of_many_briefs_are_told_and_not_taken_for_all(strong: VoteTable) -> None:
    few = strong.where((strong.brief < 20) | (np.arange(len(strong)) % 40 == 0))
    cast = int((few.earlier < 0).sum())
    done = of(few, planned=cast)
    assert done.ruling.decision == "evidence"
    assert blocks(done, RULES)[0].kind == "briefs"


def test_too_few_briefs_are_told_before_anybody_votes() -> None:
    assert few_briefs(4, 78, 1, RULES) is None
    assert few_briefs(2, 30, 1, RULES) is None
    assert "至少要 25 条" in str(few_briefs(2, 24, 3, RULES))
    assert "少于 40 条" in str(few_briefs(4, 30, 1, RULES))
    assert few_briefs(4, 30, 2, RULES) is None  # several texts a brief stand for more briefs
