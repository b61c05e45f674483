"""A base with the adapter folded in writes what the adapter does."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from fencun.tune.base import TunableBase
from fencun.tune.formats.merged import export_merged
from fencun.tune.forward.greedy import greedy
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_merged_weights_write_what_the_adapter_does(
    tmp_path: Path, base: TunableBase, adapter: LoraAdapter, scale: float
) -> None:
    folder = export_merged(adapter, base, tmp_path / "merged", scale=scale)
    merged = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompt = [5, 9, 200, 11, 40]
    student = Student(base.folder, 1, [])
    ids = greedy(student, adapter.scaled(scale), prompt, stop=257, max_tokens=6)
    with torch.no_grad():
        theirs = merged(torch.tensor([[*prompt, *ids[:-1]]])).logits[0, len(prompt) - 1 :]
    assert theirs.argmax(-1).tolist() == ids
