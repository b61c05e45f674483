"""Our short forward pass beside transformers', and the pieces it is made of."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM
from tune_tiny import tiny_base

from fencun.tune.examples import Example
from fencun.tune.forward.decoder import Decoder, Layout, rms_norm
from fencun.tune.forward.frozen import Int8, Plain
from fencun.tune.forward.greedy import greedy, greedy_many
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter, peft_name, widths


def _example(prompt: list[int], answer: list[int]) -> Example:
    return Example("x", "f", "s", tuple(prompt), tuple(answer), "")


def _reference_nll(folder: Path, example: Example) -> float:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        logits = model(torch.tensor([example.ids])).logits[0]
    rows = logits[len(example.prompt) - 1 :].log_softmax(-1)
    return -float(rows.gather(1, torch.tensor(example.answer)[:, None]).sum())


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
@pytest.mark.parametrize("first", [0, 2])
def test_packed_batch_behind_a_shared_prefix_equals_transformers(
    tmp_path: Path, family: str, first: int
) -> None:
    folder = tiny_base(tmp_path / "base", family=family)
    prefix = [5, 9, 200]
    batch = [
        _example([*prefix, 11, 12, 13], [20, 21, 257]),
        _example([*prefix, 40], [41, 42, 43, 44, 45, 257]),
        _example([*prefix, 7, 8], [257]),
    ]
    student = Student(folder, first, prefix, int8=False)
    with torch.no_grad():
        nll, tokens = student.nll(batch, None)
    assert tokens == 10
    expected = sum(_reference_nll(folder, example) for example in batch)
    # Hidden states between the halves are kept in float16.
    assert float(nll) == pytest.approx(expected, rel=1e-5 if first == 0 else 2e-3)


def test_without_a_prefix_too(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base")
    example = _example([5, 9, 11], [20, 257])
    with torch.no_grad():
        nll, _ = Student(folder, 0, [], int8=False).nll([example], None)
    assert float(nll) == pytest.approx(_reference_nll(folder, example), rel=1e-5)


def test_a_restricted_vocabulary_is_a_softmax_over_fewer_rows(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base")
    example = _example([5, 9], [20, 21])
    some = [20, 21, 30, 40]
    with torch.no_grad():
        nll, _ = Student(folder, 0, [], int8=False, vocabulary=some).nll([example], None)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        logits = model(torch.tensor([example.ids])).logits[0, 1:, some].log_softmax(-1)
    assert float(nll) == pytest.approx(-float(logits[0, 0] + logits[1, 1]), rel=1e-5)


def test_int8_products_are_close_and_independent_of_their_neighbours() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=generator) / 8
    x = torch.randn(10, 64, generator=generator)
    x[3] *= 1000  # an outlier row must not cost the others their resolution
    product = Int8(weight, torch.ones(96))
    exact = Plain(weight, torch.ones(96))(x)
    error = (product(x) - exact).norm(dim=1) / exact.norm(dim=1)
    assert error.max() < 0.03
    assert torch.equal(product(x)[4], product(x[4:5])[0])


def test_int8_leaves_the_rows_it_is_told_to_exact() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=generator) / 8
    x = torch.randn(10, 64, generator=generator)
    got = Int8(weight)(x, exact=3)
    exact = Plain(weight)(x)
    assert torch.allclose(got[:3], exact[:3], atol=1e-6)
    assert torch.equal(got[3:], Int8(weight)(x)[3:])
    assert not torch.allclose(got[3:], exact[3:], atol=1e-4)
    assert Int8(weight)(x[:3], exact=3).shape == (3, 96)


def test_int8_gradient_of_the_input_is_close_to_the_exact_one() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=generator) / 8
    x = torch.randn(5, 64, generator=generator, requires_grad=True)
    coming = torch.randn(5, 96, generator=generator)
    Int8(weight)(x).backward(coming)
    assert x.grad is not None
    exact = coming @ weight
    assert torch.nn.functional.cosine_similarity(x.grad.flatten(), exact.flatten(), 0) > 0.999


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
    batch = [_example([5, 9, 11], [20, 257]), _example([5, 9, 12, 13], [22, 23, 257])]
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
        _example([5, 9, 11], [20, 257]),
        _example([5, 9, 12, 13, 14], [22, 23, 257]),
        _example([5, 9, 7, 8], [257]),
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


def test_keys_and_values_of_a_prefix_can_be_handed_in(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base")
    decoder = Decoder(folder, range(3), Plain)
    x = torch.randn(7, 64, generator=torch.Generator().manual_seed(0))
    whole = decoder.forward(x, Layout([7], 0, past=False, device="cpu"))
    keep: list[tuple[torch.Tensor, torch.Tensor]] = []
    decoder.forward(x[:4], Layout([4], 0, past=False, device="cpu"), keep=keep)
    rest = decoder.forward(x[4:], Layout([3], 4, past=True, device="cpu"), past=keep)
    assert torch.allclose(whole[4:], rest, atol=1e-5)


def test_rms_norm_is_scale_free() -> None:
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    one = rms_norm(x, torch.ones(8), 0.0)
    assert torch.allclose(one, rms_norm(5 * x, torch.ones(8), 0.0), atol=1e-6)
