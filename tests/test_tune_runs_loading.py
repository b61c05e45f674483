"""What a run trains with: the adapter that it starts from, and the blocks it adapts."""

from pathlib import Path

import pytest
from run_case import start

from fencun.errors import FencunError
from fencun.files import sha256_file
from fencun.tune.base import find_base
from fencun.tune.config import TuneConfig
from fencun.tune.formats.gguf import export_gguf
from fencun.tune.lora import LoraAdapter
from fencun.tune.runs.events import Event, LookEvent


def test_a_run_goes_on_from_the_adapter_of_another(tmp_path: Path, config: TuneConfig) -> None:
    first = start(tmp_path / "first", config)
    events: list[Event] = []
    second = config.replaced(start=str(tmp_path / "first"), steps=2, rate=1e-9)
    manifest = start(tmp_path / "second", second, events.append)
    assert manifest["data"]["adapter"] == first["adapter_sha256"]
    looks = [event for event in events if isinstance(event, LookEvent)]
    assert looks[-1].loss == pytest.approx(first["outcome"]["best_loss"], abs=0.01)


def test_a_run_goes_on_from_the_gguf_that_ships(tmp_path: Path, config: TuneConfig) -> None:
    first = start(tmp_path / "first", config)
    base = find_base(config.base)
    adapter = LoraAdapter.load(tmp_path / "first" / "best")
    shipped = export_gguf(adapter, base, tmp_path / "shipped" / "adapter.gguf")
    events: list[Event] = []
    again = config.replaced(start=str(shipped.parent), steps=2, rate=1e-9)
    manifest = start(tmp_path / "second", again, events.append)
    assert manifest["data"]["adapter"] == sha256_file(shipped)
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
