"""Greedy answers of a student while it is being tuned: to watch the voice arrive."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fencun.tune.adapter import LoraAdapter
from fencun.tune.decoder import Decoder, KeysValues, Layout
from fencun.tune.student import Student


def greedy(
    student: Student,
    adapter: LoraAdapter | None,
    prompt: Sequence[int],
    *,
    stop: int,
    max_tokens: int = 140,
) -> list[int]:
    """Return the likeliest token again and again, until ``stop`` or ``max_tokens``.

    ``prompt`` must begin with the student's prefix. Only the student's vocabulary is written.
    """
    lora = (
        adapter.pairs(dtype=student.dtype, device=student.device) if adapter is not None else None
    )
    written: list[int] = []
    with torch.no_grad():
        lower, upper = _Half(student.lower.quick), _Half(student.upper)
        lower.start(student.lower.past, student.lower.prefix)
        upper.read(student.lower.prefix, lora)
        pending = list(prompt[len(student.prefix) :])
        while len(written) < max_tokens:
            x = lower.read(student.lower.embed(pending), None)
            x = upper.read(x, lora)
            place = int(student.logits(x[-1:]).argmax())
            token = int(student.vocabulary[place])
            if token == stop:
                break
            written.append(token)
            pending = [token]
    return written


class _Half:
    """Some blocks and the keys and values of all they have read."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._past: list[KeysValues] | None = None
        self._count = 0

    def start(self, past: list[KeysValues], prefix: Tensor) -> None:
        """Begin behind a prefix whose keys and values are known."""
        self._count = prefix.shape[0]
        self._past = list(past) if self._count else None

    def read(self, x: Tensor, lora: dict[tuple[int, str], tuple[Tensor, Tensor]] | None) -> Tensor:
        """Run ``x`` (rows, hidden) through the blocks, after all that came before."""
        if not x.shape[0]:
            return x
        layout = Layout([x.shape[0]], self._count, past=True, device=self._decoder.device)
        keep: list[KeysValues] = []
        y = self._decoder.forward(x, layout, lora, past=self._past, keep=keep)
        if self._past is None:
            self._past = keep
        else:
            self._past = [
                (torch.cat([old[0], new[0]]), torch.cat([old[1], new[1]]))
                for old, new in zip(self._past, keep, strict=True)
            ]
        self._count += x.shape[0]
        return y
