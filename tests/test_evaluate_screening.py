"""A judge reads all pairs both ways, resumes, is worth what it agrees, and never decides."""

from dataclasses import replace

import numpy as np
import pytest

from fencun.evaluate.judging import (
    MachineJudgement,
)
from fencun.evaluate.screening import powered, screened
from fencun.evaluate.simulate import World, simulated

WORLD = World(
    arms=("prompt", "tuned"), truth=(0.0, 0.6), raters=12, briefs=300, ballots=12, quality=1.6
)


def read_by_a_judge(world: World, seed: int, noise: float) -> tuple[list[MachineJudgement], object]:
    found = simulated(world, np.random.default_rng(seed))
    random = np.random.default_rng(seed + 1)
    apart = found.quality[0] - found.quality[1] + noise * random.normal(0, 1, (world.briefs, 1))
    # It leans towards prompt: what it says is no estimate of anything by itself.
    scores = 1 / (1 + np.exp(-apart - 0.8))
    said = [
        MachineJudgement(judge="j", brief=f"b{n}", low="prompt", high="tuned", score=s, steady=True)
        for n, (s,) in enumerate(scores)
    ]
    return said, found.table


def test_a_judge_that_sees_what_people_see_is_worth_votes_and_its_lean_costs_nothing() -> None:
    gains, shares = [], []
    for seed in range(6):
        said, table = read_by_a_judge(WORLD, 10 * seed, noise=0.2)
        told = screened(table, said, [("tuned", "prompt")], 0.95)  # type: ignore[arg-type]
        (one,) = told.helped
        assert told.agrees is not None
        assert (told.agrees.share or 0) > 0.55
        assert one.people is not None
        assert one.both is not None
        gains.append(one.worth / one.people.votes)
        shares.append(one.both.share)
        assert one.read < 0.5
    assert np.mean(gains) > 1.1
    assert np.mean(shares) > 0.5


def test_a_judge_that_sees_nothing_helps_nothing() -> None:
    gains = []
    for seed in range(6):
        said, table = read_by_a_judge(WORLD, 10 * seed, noise=0.0)
        order = np.random.default_rng(seed).permutation(len(said))
        mixed = [
            one.model_copy(update={"score": said[at].score})
            for one, at in zip(said, order, strict=True)
        ]
        (one,) = screened(table, mixed, [("tuned", "prompt")], 0.95).helped  # type: ignore[arg-type]
        gains.append(one.worth / one.people.votes)  # type: ignore[union-attr]
    assert np.mean(gains) < 1.1


def test_where_the_judge_read_what_was_voted_on_alone_the_share_is_the_votes() -> None:
    random = np.random.default_rng(4)
    rater, brief = np.arange(80) % 8, np.arange(80) // 4
    won = random.integers(0, 2, 80).astype(float)
    read = random.random((20, 1))
    both, _, _ = powered(won, read[brief, 0], read, rater, brief, 0.95)
    assert both.share == pytest.approx(won.mean())
    assert replace(both, share=None).low < won.mean() < both.high
