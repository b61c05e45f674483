"""Our own executor: the steps that a budget of minutes allows."""

from pathlib import Path

from run_case import start

from fencun.tune.config import TuneConfig


def test_a_time_budget_limits_the_steps(tmp_path: Path, config: TuneConfig) -> None:
    short = config.replaced(steps=0, epochs=1e6, minutes=0.02)
    manifest = start(tmp_path / "run", short)
    assert 1 <= manifest["resolved"]["steps"] < 1000
