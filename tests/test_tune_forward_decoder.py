"""Our short forward pass beside transformers', and the pieces it is made of."""

from functools import partial
from pathlib import Path

import pytest
import torch
from forward_case import example_of
from transformers import AutoModelForCausalLM
from tune_tiny import tiny_base

from fencun.tune.examples import TrainingExample
from fencun.tune.forward.decoder import Decoder, PackedLayout, rms_norm
from fencun.tune.forward.frozen import frozen
from fencun.tune.forward.student import Student


def _reference_nll(folder: Path, example: TrainingExample) -> float:
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
        example_of([*prefix, 11, 12, 13], [20, 21, 257]),
        example_of([*prefix, 40], [41, 42, 43, 44, 45, 257]),
        example_of([*prefix, 7, 8], [257]),
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
    example = example_of([5, 9, 11], [20, 257])
    with torch.no_grad():
        nll, _ = Student(folder, 0, [], int8=False).nll([example], None)
    assert float(nll) == pytest.approx(_reference_nll(folder, example), rel=1e-5)


def test_keys_and_values_of_a_prefix_can_be_handed_in(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base")
    make = partial(frozen, int8=False, dtype=torch.float32)
    decoder = Decoder(folder, range(3), make)
    x = torch.randn(7, 64, generator=torch.Generator().manual_seed(0))
    whole = decoder.forward(x, PackedLayout([7], 0, past=False, device="cpu"))
    keep: list[tuple[torch.Tensor, torch.Tensor]] = []
    decoder.forward(x[:4], PackedLayout([4], 0, past=False, device="cpu"), keep=keep)
    rest = decoder.forward(x[4:], PackedLayout([3], 4, past=True, device="cpu"), past=keep)
    assert torch.allclose(whole[4:], rest, atol=1e-5)


def test_rms_norm_is_scale_free() -> None:
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    one = rms_norm(x, torch.ones(8), 0.0)
    assert torch.allclose(one, rms_norm(5 * x, torch.ones(8), 0.0), atol=1e-6)
