"""Two sides write for one brief, on a base that is no GGUF."""

from pathlib import Path

import pytest
from tiny_adapter import write_manifest, write_small
from tune_tiny import tiny_base

from fencun import files
from fencun.brief import parse_brief
from fencun.errors import FencunError
from fencun.scenario import Scenario
from fencun.tune.compare import compare
from fencun.tune.lora import LoraAdapter, widths


def test_an_adapter_of_a_base_that_is_no_gguf(tmp_path: Path, scenario: Scenario) -> None:
    base = tiny_base(tmp_path / "base")
    adapter = LoraAdapter.fresh(widths(base), rank=2, alpha=200, layers=range(1, 3), seed=1)
    for name, tensor in adapter.tensors.items():
        if "lora_B" in name:
            tensor.fill_(0.5)
    adapter.save(tmp_path / "run" / "best", "base")
    files.write_json(tmp_path / "run" / "config.json", {"resolved": {"base": str(base)}})
    brief = parse_brief(scenario, scenario.example)
    tuned, bare = compare([str(tmp_path / "run"), "base"], brief)
    assert tuned.text != bare.text


def test_adapters_of_different_bases_are_not_compared(tmp_path: Path, scenario: Scenario) -> None:
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        write_small(folder / "adapter.gguf")
        write_manifest(folder, base=name)
    brief = parse_brief(scenario, scenario.example)
    with pytest.raises(FencunError, match="底座不一样"):
        compare([str(tmp_path / "one"), str(tmp_path / "other")], brief)
