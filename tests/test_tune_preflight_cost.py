"""A budget of minutes: what it buys is measured, and a run ends within it."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from tune_tiny import tiny_base, tiny_dataset

from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample
from fencun.tune.forward.greedy import LONGEST
from fencun.tune.objectives.objective import ExampleSet, LookWriting
from fencun.tune.preflight.cost import Cost, Pace, TokenTime
from fencun.tune.runs.events import Event, LookEvent
from fencun.tune.runs.life import start
from fencun.tune.runs.request import RunRequest

CONFIG = TuneConfig(look=10, checkpoint=5)


def test_looks_and_checkpoints_cost_their_share() -> None:
    cost = Cost(step=2.0, look=30.0, checkpoint=1.0)
    assert cost.of(20, CONFIG) == 20 * 2 + 2 * 30 + 4 * 1
    assert cost.of(21, CONFIG) == 21 * 2 + 3 * 30 + 5 * 1  # it looks and saves at its end, too


@pytest.mark.parametrize("seconds", [0.0, 40.0, 70.0, 200.0, 600.0])
def test_no_more_steps_are_taken_than_fit(seconds: float) -> None:
    cost = Cost(step=2.0, look=30.0, checkpoint=1.0)
    steps = cost.steps_within(seconds, CONFIG, most=50)
    assert 1 <= steps <= 50
    assert steps == 1 or cost.of(steps, CONFIG) <= seconds
    assert steps == 50 or cost.of(steps + 1, CONFIG) * 1.05 > seconds


def test_what_lower_blocks_make_of_a_sample_is_paid_for_once() -> None:
    cost = Cost(step=2.0, reading=0.5, samples=20)
    config = TuneConfig(batch=8, look=10, checkpoint=5)
    assert cost.of(2, config) == 2 * 2 + 16 * 0.5
    assert cost.of(10, config) == 10 * 2 + 20 * 0.5


def _example(prompt: int, answer: int) -> TrainingExample:
    return TrainingExample("x", "f", "s", tuple(range(prompt)), tuple(range(answer + 1)), "")


def test_one_formula_reckons_for_blocks_that_were_not_measured() -> None:
    pace = Pace(
        train=TokenTime(block=1.0, head=10.0), below=0.25, read=TokenTime(0.5, 2.0),
        write=TokenTime(1.0, 4.0), checkpoint=7.0,
    )  # fmt: skip
    held = [_example(6, 4)] * 5
    examples = ExampleSet([_example(12, 8)] * 3, held)
    cost = pace.cost(TuneConfig(batch=2, layers=4), examples, depth=10)
    assert cost.step == 2 * 20 * (4 * 1.0 + 10.0)
    assert cost.reading == 20 * 0.25 * 6
    assert (cost.samples, cost.checkpoint) == (3, 7.0)
    silent = (5 + 12) * 10 * (10 * 0.5 + 2.0)  # twelve everyday questions beside the five
    assert cost.look == silent
    writing = replace(examples, writing=LookWriting([(held[0], None)] * 3))  # type: ignore[list-item]
    spoken = pace.cost(TuneConfig(briefs=2), writing, depth=10).look
    assert spoken == silent + 2 * 6 * 7.0 + LONGEST * 14.0
    assert pace.cost(TuneConfig(briefs=0), writing, depth=10).look == silent


@pytest.mark.slow
def test_a_run_ends_within_its_minutes_though_looks_take_longer_than_steps(
    tmp_path: Path, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Seconds of this process alone: a test must not fail because the machine is busy.
    monkeypatch.setattr(time, "monotonic", time.process_time)
    tiny_dataset(tmp_path, scenario, validation=30)
    config = TuneConfig(
        base=str(tiny_base(tmp_path / "base")), train=str(tmp_path / "train.jsonl"),
        validation=str(tmp_path / "validation.jsonl"), layers=2, rank=2, batch=4, look=5,
        epochs=1000, minutes=0.25, patience=1000, threads=1,
    )  # fmt: skip
    events: list[tuple[float, Event]] = []
    started = time.monotonic()
    manifest = start(
        tmp_path / "run",
        RunRequest(config),
        lambda event: events.append((time.monotonic() - started, event)),
    )
    took = time.monotonic() - started
    looks = [at - events[n - 1][0] for n, (at, e) in enumerate(events) if isinstance(e, LookEvent)]
    assert took < 15 + max(looks)
    assert manifest["resolved"]["steps"] > 5
