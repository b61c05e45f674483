"""The verdict's rules, each decision reached from votes, and the studies that must not fool it."""

import dataclasses

import numpy as np
import pytest
from decide_case import PLANNED, RULES, WORTH, kinds, of

from fencun.evaluate.blocks import blocks
from fencun.evaluate.sequential import Conclusion
from fencun.evaluate.simulate import ARMS, World, simulate
from fencun.evaluate.table import VoteTable


@pytest.fixture(scope="module")
def strong() -> VoteTable:
    return simulate(WORTH, np.random.default_rng(1))


def concluded(world: World, seed: int = 1, **background: object) -> Conclusion:
    table = simulate(world, np.random.default_rng(seed))
    return of(table, **background)


def test_a_strong_effect_is_worth_it_and_tells_what_it_rests_on(strong: VoteTable) -> None:
    done = of(strong)
    assert done.ruling.decision == "worth"
    assert [c.rule for c in done.ruling.reasons] == ["beats", "direct", "send"]
    assert all(check.met for check in done.ruling.reasons)
    assert done.facts.votes == PLANNED
    assert done.cast == 34 * 24
    assert kinds(done) == []


def test_never_worth_it_from_few_raters_however_strong() -> None:
    done = concluded(World(truth=(-2, 0, 0, 4), raters=4, ballots=250))
    assert done.look is not None
    assert done.ruling.decision == "evidence"
    (block,) = [one for one in blocks(done, RULES) if one.kind == "raters"]
    assert block.votes is None
    assert "新的评审人" in block.cure_zh


def test_an_arm_that_failed_a_third_is_not_judged(strong: VoteTable) -> None:
    done = of(strong, answered=dict.fromkeys(ARMS, 1.0) | {"rag": 0.66})
    assert done.ruling.decision == "evidence"
    assert kinds(done) == ["answers"]


def test_a_declared_look_up_task_is_unfit_whatever_the_votes(strong: VoteTable) -> None:
    done = of(strong, unfit="要查资料")
    assert done.ruling.decision == "unfit"
    assert [(check.rule, check.note) for check in done.ruling.reasons] == [("task", "要查资料")]


def test_made_up_facts_that_nobody_would_send_are_unfit() -> None:
    reasons = {arm: {"invented": 30, "cliche": 4} for arm in ARMS}
    done = concluded(World(raters=34, bar=1.5), reasons=reasons)
    assert done.ruling.decision == "unfit"


@pytest.mark.parametrize(
    ("world", "decision"),
    [
        (World(truth=(-1.5, 1, 1, 1), quality=0.4), "prompt"),
        (World(truth=(1, 1, 1, 1), quality=0.4), "bare"),
        (World(truth=(-1, 0, 1.9, 0.4), quality=0.4, sends=0.5), "rag"),
        (World(truth=(0, -1.5, -1.4, -0.6)), "mend"),
        (World(truth=(-2, -2, -2, -2), quality=0.4, bar=-9), "none"),
        (World(taste=4.0, quality=0.1), "direction"),
    ],
)
def test_each_other_decision_is_reached(world: World, decision: str) -> None:
    done = concluded(dataclasses.replace(world, raters=68, taste=4.0 if world.taste == 4 else 0.1))
    assert done.ruling.decision == decision


def test_a_study_without_tuned_arm_cannot_say_worth(strong: VoteTable) -> None:
    done = of(strong, roles={arm: arm for arm in ("bare", "prompt", "rag")})
    assert done.ruling.decision == "evidence"
    assert kinds(done)[0] == "arms"
