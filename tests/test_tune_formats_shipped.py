"""What ships with a scenario is read by serving, and tells of no machine."""

from pathlib import Path

from fencun.adapter import read_adapter
from fencun.tune.base import TunableBase
from fencun.tune.formats.shipped import Recommended, export_shipped
from fencun.tune.lora import LoraAdapter


def test_what_ships_is_read_by_serving(
    tmp_path: Path, base: TunableBase, adapter: LoraAdapter
) -> None:
    export_shipped(adapter, base, tmp_path / "out", Recommended(0.85, 0.3), {"samples": 9})
    shipped = read_adapter(tmp_path / "out")
    assert shipped is not None
    assert (shipped.base, shipped.scale, shipped.temperature) == ("tiny", 0.85, 0.3)
    (tmp_path / "out" / "manifest.json").unlink()
    assert read_adapter(tmp_path / "out") is None
