"""An adapter that is there already is opened, whatever its form."""

from pathlib import Path

import pytest
import torch

from fencun.errors import ModelError
from fencun.tune.base import TunableBase
from fencun.tune.formats.gguf import export_gguf
from fencun.tune.formats.opening import open_adapter, weights_file
from fencun.tune.lora import LoraAdapter


def test_the_weights_of_a_run_go_before_the_gguf(
    tmp_path: Path, base: TunableBase, adapter: LoraAdapter
) -> None:
    shipped = export_gguf(adapter, base, tmp_path / "adapter.gguf")
    assert weights_file(tmp_path) == shipped
    assert open_adapter(tmp_path).rank == adapter.rank
    adapter.save(tmp_path, "base")
    assert weights_file(tmp_path) != shipped
    for name, tensor in open_adapter(tmp_path).tensors.items():
        assert torch.equal(tensor, adapter.tensors[name])


def test_a_folder_without_an_adapter_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="PEFT"):
        open_adapter(tmp_path)
