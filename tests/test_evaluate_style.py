"""Length and style are held equal: what was only longer is no longer better."""

from dataclasses import replace

import numpy as np
import pytest

from fencun.evaluate.simulate import Simulated, World, simulated
from fencun.evaluate.strengths import strengths
from fencun.evaluate.style import Controlled, controlled

WORLD = World(
    arms=("prompt", "tuned"), truth=(0.0, 0.0), raters=40, longer=1.5, liking=0.7, taste=0.1
)


def texts_of(found: Simulated) -> list[list[tuple[str, ...]]]:
    """Texts that are as long as the world says, on a logarithmic scale."""
    counts = np.exp(4 + 0.3 * found.length).round().astype(int)
    return [[tuple("字" * n for n in drawn) for drawn in arm] for arm in counts]


def at(world: World, seed: int) -> tuple[float, Controlled]:
    found = simulated(world, np.random.default_rng(seed))
    raw, _ = strengths(found.table).preferred("tuned", "prompt")
    return raw, controlled(found.table, texts_of(found), "tuned", ["prompt"], 0.95)


def test_an_arm_that_only_writes_more_is_even_at_equal_length() -> None:
    found = [at(WORLD, seed) for seed in range(4)]
    assert np.mean([raw for raw, _ in found]) > 0.65
    shares = [told.length[0].share for _, told in found]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.06)
    for _, told in found:
        assert told.longer is not None
        assert told.longer > 0.6
        assert told.characters["tuned"] > 1.3 * told.characters["prompt"]
        assert told.length[0].low < (told.length[0].share or 0) < told.length[0].high


def test_an_arm_that_is_better_stays_better() -> None:
    raw, told = at(replace(WORLD, truth=(0.0, 1.2), longer=0.0, liking=0.0), 3)
    assert told.length[0].share == pytest.approx(raw, abs=0.02)
    assert told.style[0].share == pytest.approx(raw, abs=0.03)
    assert told.longer == pytest.approx(0.5, abs=0.06)


def test_style_tells_marks_from_length() -> None:
    """Readers who like exclamation marks, and texts of one length that differ in nothing else."""
    random = np.random.default_rng(8)
    found = simulated(replace(WORLD, liking=0.0, longer=0.0, raters=60), random)
    loud = found.length[:, :, 0] + np.array([[0.0], [1.0]])
    table = found.table
    felt = loud[table.left, table.brief] - loud[table.right, table.brief]
    choice = np.where(felt + random.logistic(0, 1, len(felt)) > 0, 0, 1)
    texts = [
        [("好" * (60 - 2 * n) + "好！" * n,) for n in row]
        for row in (loud * 4 + 10).clip(0, 30).round().astype(int)
    ]
    told = controlled(replace(table, choice=choice), texts, "tuned", ["prompt"], 0.95)
    raw, _ = strengths(replace(table, choice=choice)).preferred("tuned", "prompt")
    assert told.length[0].share == pytest.approx(raw, abs=0.02)
    assert told.longer is None
    assert raw > 0.6
    assert told.style[0].share == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize(("own", "told"), [(0.3, True), (0.1, False), (0.0, False)])
def test_an_arm_that_always_writes_more_is_not_held_equal_to_others(own: float, told: bool) -> None:
    """Nobody cares for length here; how much of it is a text's ``own`` decides what can be told."""
    found = simulated(replace(WORLD, truth=(0.0, 1.0), liking=0.0), np.random.default_rng(5))
    random = np.random.default_rng(6)
    length = random.normal(0, 1, (1, 78, 1)) + own * random.normal(0, 1, (2, 78, 1))
    length[1] += 1.0
    counts = np.exp(4 + 0.4 * length).round().astype(int)
    texts = [[tuple("字" * n for n in drawn) for drawn in arm] for arm in counts]
    (alike,) = controlled(found.table, texts, "tuned", ["prompt"], 0.95).length
    raw, _ = strengths(found.table).preferred("tuned", "prompt")
    assert (alike.share is not None) == told
    assert alike.low < raw < alike.high
    if told:
        assert alike.share == pytest.approx(raw, abs=0.1)


def test_how_much_longer_texts_are_liked_is_told_where_it_can_be() -> None:
    """Two lengths, one an arm: what people like may be the arm."""
    found = simulated(replace(WORLD, liking=0.0), np.random.default_rng(7))
    texts = [[("字" * n,) for _ in range(78)] for n in (40, 60)]
    told = controlled(found.table, texts, "tuned", ["prompt"], 0.95)
    assert told.longer is None
    assert told.characters == {"prompt": 40, "tuned": 60}
