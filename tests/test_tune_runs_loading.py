"""What a run trains with: the adapter that it starts from, and the blocks it adapts."""

from pathlib import Path

import pytest
from run_case import start

from fencun.errors import FencunError
from fencun.tune.config import TuneConfig
from fencun.tune.runs.events import Event, LookEvent


def test_a_run_goes_on_from_the_adapter_of_another(tmp_path: Path, config: TuneConfig) -> None:
    first = start(tmp_path / "first", config)
    events: list[Event] = []
    second = config.replaced(start=str(tmp_path / "first"), steps=2, rate=1e-9)
    manifest = start(tmp_path / "second", second, events.append)
    assert manifest["data"]["adapter"] == first["adapter_sha256"]
    looks = [event for event in events if isinstance(event, LookEvent)]
    assert looks[-1].loss == pytest.approx(first["outcome"]["best_loss"], abs=0.01)


def test_an_adapter_of_another_rank_is_not_gone_on_from(tmp_path: Path, config: TuneConfig) -> None:
    start(tmp_path / "first", config.replaced(steps=1, look=1))
    other = config.replaced(start=str(tmp_path / "first"), rank=4)
    with pytest.raises(FencunError, match="秩"):
        start(tmp_path / "second", other)


def test_more_layers_than_the_base_has(tmp_path: Path, config: TuneConfig) -> None:
    with pytest.raises(FencunError, match="3"):
        start(tmp_path / "run", config.replaced(layers=9))
