"""Adapters in PEFT's format: what PEFT would make of them, or a refusal that says why."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fencun.errors import ModelError
from fencun.tune.lora import LoraAdapter

# PEFT reads an attribute that transformers gives up.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


def test_peft_files_come_back(tmp_path: Path, adapter: LoraAdapter) -> None:
    adapter.save(tmp_path / "out", "tiny")
    again = LoraAdapter.load(tmp_path / "out")
    assert (again.rank, again.alpha, again.layers) == (2, 4.0, (1, 2))
    assert all(torch.equal(again.tensors[name], v) for name, v in adapter.tensors.items())


@pytest.mark.parametrize("harm", ["no config", "torn", "other layers", "unknown tensor"])
def test_a_harmed_adapter_is_refused(tmp_path: Path, adapter: LoraAdapter, harm: str) -> None:
    if harm == "other layers":
        adapter.tensors.popitem()
    if harm == "unknown tensor":
        adapter.tensors["base_model.model.lm_head.lora_A.weight"] = torch.ones(1)
    adapter.save(tmp_path, "tiny")
    if harm == "no config":
        (tmp_path / "adapter_config.json").unlink()
    if harm == "torn":
        path = tmp_path / "adapter_model.safetensors"
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError):
        LoraAdapter.load(tmp_path)


@pytest.mark.parametrize("harm", ["nan", "inf", "nothing"])
def test_weights_that_are_no_numbers_or_none_at_all_are_refused(
    tmp_path: Path, adapter: LoraAdapter, harm: str
) -> None:
    adapter.save(tmp_path, "tiny")
    path = tmp_path / "adapter_model.safetensors"
    tensors = {} if harm == "nothing" else load_file(path)
    for tensor in list(tensors.values())[:1]:
        tensor.view(-1)[0] = float(harm)
    save_file(tensors, path)
    with pytest.raises(ModelError):
        LoraAdapter.load(tmp_path)
