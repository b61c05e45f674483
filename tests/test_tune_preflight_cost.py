"""A budget of minutes: what it buys is measured, and a run ends within it."""

import time
from pathlib import Path

import pytest
from tune_tiny import tiny_base, tiny_dataset

from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.preflight.cost import Cost, LookPace
from fencun.tune.runs import session
from fencun.tune.runs.loop import Look, Tick

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


def test_a_look_reads_what_there_is_and_writes_only_for_briefs() -> None:
    pace = LookPace(read=0.5, write=20.0)
    assert pace.of(TuneConfig(validation_samples=8), validation=100) == 0.5 * (8 + 12) + 20
    assert pace.of(TuneConfig(validation_samples=8, briefs=0), validation=4) == 0.5 * (4 + 12)


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
    events: list[tuple[float, Tick | Look]] = []
    started = time.monotonic()
    manifest = session.tune(
        tmp_path / "run", config, given={},
        tell=lambda event: events.append((time.monotonic() - started, event)),
    )  # fmt: skip
    took = time.monotonic() - started
    looks = [at - events[n - 1][0] for n, (at, e) in enumerate(events) if isinstance(e, Look)]
    assert took < 15 + max(looks)
    assert manifest["resolved"]["steps"] > 5
