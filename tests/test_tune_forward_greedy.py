"""Greedy answers are those of transformers, alone or many at once."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM
from tune_tiny import tiny_base

from fencun.tune.forward.greedy import greedy, greedy_many
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter, widths


def test_greedy_writes_what_transformers_writes(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base")
    prompt = [5, 9, 200, 11]
    student = Student(folder, 2, prompt[:2], int8=False)
    mine = greedy(student, None, prompt, stop=257, max_tokens=12)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.tensor([prompt])
    theirs = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False,
        eos_token_id=257, pad_token_id=256,
    )[0, 4:].tolist()  # fmt: skip
    assert mine == [token for token in theirs if token != 257]


@pytest.mark.parametrize("first", [0, 2])
@pytest.mark.parametrize("prefix", [0, 2])
def test_answers_written_together_are_those_written_alone(
    tmp_path: Path, first: int, prefix: int
) -> None:
    folder = tiny_base(tmp_path / "base")
    adapter = LoraAdapter.fresh(widths(folder), rank=2, alpha=4, layers=range(first, 3))
    prompts = [[5, 9, 200, 11], [5, 9, 12, 13, 14, 15, 7], [5, 9, 40]]
    student = Student(folder, first, prompts[0][:prefix])
    alone = [greedy(student, adapter, prompt, stop=257, max_tokens=12) for prompt in prompts]
    stop = next(token for token in alone[1] if token not in alone[0][:6])
    shorter = [[*ids, stop][: [*ids, stop].index(stop)] for ids in alone]
    assert greedy_many(student, adapter, prompts, stop=257, max_tokens=12) == alone
    assert greedy_many(student, adapter, prompts, stop=stop, max_tokens=12) == shorter
    assert greedy_many(student, adapter, [], stop=257) == []
