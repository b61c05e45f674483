"""The adapter as a GGUF LoRA holds the numbers that were learnt."""

from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader

from fencun.tune.base import TunableBase
from fencun.tune.formats.gguf import export_gguf
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
