"""The adapter as a GGUF LoRA holds the numbers that were learnt."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader

from fencun.errors import ModelError
from fencun.tune.base import TunableBase
from fencun.tune.formats.gguf import export_gguf, import_gguf
from fencun.tune.lora import LoraAdapter


def test_gguf_holds_the_same_numbers(
    tmp_path: Path, base: TunableBase, adapter: LoraAdapter
) -> None:
    reader = GGUFReader(export_gguf(adapter, base, tmp_path / "adapter.gguf"))
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    assert len(tensors) == len(adapter.tensors)
    name = "base_model.model.model.layers.2.mlp.down_proj.lora_B.weight"
    wanted = adapter.tensors[name].to(torch.float16).numpy()
    assert np.array_equal(tensors["blk.2.ffn_down.weight.lora_b"], wanted)
    alpha = reader.get_field("adapter.lora.alpha")
    assert alpha is not None
    assert alpha.contents() == 4.0


def test_what_was_exported_is_read_again(
    tmp_path: Path, base: TunableBase, adapter: LoraAdapter
) -> None:
    again = import_gguf(export_gguf(adapter, base, tmp_path / "adapter.gguf"))
    assert (again.rank, again.alpha, again.layers, again.targets) == (
        adapter.rank, adapter.alpha, adapter.layers, adapter.targets,
    )  # fmt: skip
    assert again.tensors.keys() == adapter.tensors.keys()
    for name, tensor in adapter.tensors.items():
        assert torch.equal(again.tensors[name], tensor.to(torch.float16).float())


def test_an_adapter_of_uneven_layers_is_refused(
    tmp_path: Path, base: TunableBase, adapter: LoraAdapter
) -> None:
    path = export_gguf(adapter, base, tmp_path / "adapter.gguf")
    path.write_bytes(path.read_bytes().replace(b"blk.2.ffn_down", b"blk.2.attn_out"))
    with pytest.raises(ModelError, match="LoRA"):
        import_gguf(path)
