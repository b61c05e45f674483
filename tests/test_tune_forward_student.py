"""The loss of a student and its gradient are those of transformers and PEFT."""

from pathlib import Path

import pytest
import torch
from forward_case import example_of
from transformers import AutoModelForCausalLM
from tune_tiny import tiny_base

from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter, peft_name, widths


def test_a_restricted_vocabulary_is_a_softmax_over_fewer_rows(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base")
    example = example_of([5, 9], [20, 21])
    some = [20, 21, 30, 40]
    with torch.no_grad():
        nll, _ = Student(folder, 0, [], int8=False, vocabulary=some).nll([example], None)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        logits = model(torch.tensor([example.ids])).logits[0, 1:, some].log_softmax(-1)
    assert float(nll) == pytest.approx(-float(logits[0, 0] + logits[1, 1]), rel=1e-5)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_a_gradient_step_of_the_student_matches_peft(tmp_path: Path) -> None:
    from peft import PeftModel

    folder = tiny_base(tmp_path / "base")
    adapter = LoraAdapter.fresh(widths(folder), rank=2, alpha=4, layers=range(1, 3), seed=3)
    generator = torch.Generator().manual_seed(2)
    for name, tensor in adapter.tensors.items():
        if "lora_B" in name:
            tensor.normal_(std=0.1, generator=generator)
        tensor.requires_grad_()
    adapter.save(tmp_path / "adapter", "base")
    batch = [example_of([5, 9, 11], [20, 257]), example_of([5, 9, 12, 13], [22, 23, 257])]
    nll, _ = Student(folder, 0, [5, 9], int8=False).nll(batch, adapter)
    nll.backward()
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(plain, tmp_path / "adapter", is_trainable=True)
    total = torch.zeros(())
    for example in batch:
        logits = model(torch.tensor([example.ids])).logits[0, len(example.prompt) - 1 :]
        wanted = torch.tensor(example.answer)
        total = total + torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")
    total.backward()
    assert float(nll.detach()) == pytest.approx(float(total.detach()), rel=1e-5)
    theirs = dict(model.named_parameters())
    for name, tensor in adapter.tensors.items():
        other = theirs[name.replace(".weight", ".default.weight")].grad
        assert tensor.grad is not None
        assert torch.allclose(tensor.grad, other, atol=1e-4, rtol=1e-3), name


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("prefix", [0, 2])
def test_without_gradients_through_the_prompt_the_loss_is_the_same_and_the_last_block_learns_alike(
    tmp_path: Path, family: str, first: int, prefix: int
) -> None:
    folder = tiny_base(tmp_path / "base", family=family)
    batch = [
        example_of([5, 9, 11], [20, 257]),
        example_of([5, 9, 12, 13, 14], [22, 23, 257]),
        example_of([5, 9, 7, 8], [257]),
    ]
    losses, gradients = [], []
    for through_prompt in (True, False):
        adapter = LoraAdapter.fresh(widths(folder), rank=2, alpha=4, layers=range(first, 3), seed=3)
        generator = torch.Generator().manual_seed(2)
        for name, tensor in adapter.tensors.items():
            if "lora_B" in name:
                tensor.normal_(std=0.1, generator=generator)
            tensor.requires_grad_()
        student = Student(folder, first, [5, 9][:prefix], through_prompt=through_prompt)
        nll, tokens = student.nll(batch, adapter)
        assert tokens == 6
        nll.backward()
        losses.append(float(nll.detach()))
        gradients.append({name: tensor.grad for name, tensor in adapter.tensors.items()})
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    whole, answers = gradients
    # Behind the last block's keys nothing of the prompt is left to learn from.
    for side in "AB":
        for target in ("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"):
            name = peft_name(2, target, side)
            assert torch.allclose(whole[name], answers[name], atol=1e-5, rtol=1e-3), name
    name = peft_name(2, "v_proj", "B")
    assert not torch.allclose(whole[name], answers[name], atol=1e-5, rtol=1e-3)
