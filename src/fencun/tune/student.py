"""A base with an adapter on its upper blocks: the loss of a batch, and answers on the way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fencun.tune.adapter import LoraAdapter
from fencun.tune.decoder import Decoder, Layout, Product, Weights, rms_norm
from fencun.tune.examples import Example
from fencun.tune.frozen import Int8, Plain
from fencun.tune.hidden import Lower


class Student:
    """The frozen base in two halves, and how it is computed.

    Args:
        folder: the base, a Hugging Face folder.
        first: the lowest adapted block; blocks below it run without gradients.
        prefix: tokens that every prompt begins with.
        int8: run the blocks below in 8-bit integers (CPU).
        int8_above: the adapted blocks too. Half as costly as float32, but the gradients of a
            real Qwen2.5 then lie at a cosine of 0.84 to the exact ones: its few huge
            activations leave eight bits little room.
        vocabulary: token ids that may be predicted; None for all. Answers hold Chinese text,
            so most of the head's 150,000 rows only cost time.
        cache: where hidden states of the lower blocks are kept; None for nowhere.
        weights: those of the base where they are not in files; ``folder`` holds its config.json.
    """

    def __init__(
        self,
        folder: Path,
        first: int,
        prefix: Sequence[int],
        *,
        int8: bool = False,
        int8_above: bool = False,
        vocabulary: Sequence[int] | None = None,
        cache: Path | None = None,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
        weights: Weights | None = None,
    ) -> None:
        def frozen(weight: Tensor, bias: Tensor | None) -> Product:
            return Int8(weight, bias, backward=False) if int8 else Plain(weight, bias)

        def differentiable(weight: Tensor, bias: Tensor | None) -> Product:
            return Int8(weight, bias, backward=True) if int8_above else Plain(weight, bias)

        self.prefix = tuple(prefix)
        self.dtype, self.device = dtype, device
        given: dict[str, Any] = {"dtype": dtype, "device": device, "weights": weights}
        below = Decoder(folder, range(first), frozen, **given)
        self.lower = Lower(below, folder, prefix, cache)
        layers = range(first, below.shape.layers)
        self.upper = Decoder(folder, layers, differentiable, **given)
        self._norm, head = self.upper.head()
        self.vocabulary = (
            torch.arange(head.shape[0])
            if vocabulary is None
            else (torch.tensor(sorted(vocabulary)))
        )
        self._place = torch.full((head.shape[0],), -1, dtype=torch.long)
        self._place[self.vocabulary] = torch.arange(len(self.vocabulary))
        self._place = self._place.to(device)
        self._head = differentiable(head[self.vocabulary].to(dtype), None)

    def nll(self, batch: Sequence[Example], adapter: LoraAdapter | None) -> tuple[Tensor, int]:
        """Return the summed negative log-likelihood of the answers, in nats, and their tokens."""
        lora = adapter.pairs(dtype=self.dtype, device=self.device) if adapter else None
        count = len(self.prefix)
        hidden = [self.lower(example) for example in batch]
        layout = Layout([len(x) for x in hidden], count, past=False, device=self.device)
        x = self.upper.forward(torch.cat([self.lower.prefix, *hidden]), layout, lora)
        rows: list[int] = []
        targets: list[int] = []
        start = count
        for example, own in zip(batch, hidden, strict=True):
            stop = start + len(own)
            rows += range(stop - len(example.answer), stop)
            targets += example.answer
            start = stop
        return self._nll(x[torch.tensor(rows, device=self.device)], targets), len(targets)

    def _nll(self, x: Tensor, targets: Sequence[int]) -> Tensor:
        logits = self.logits(x).float()
        wanted = self._place[torch.tensor(list(targets), device=self.device)]
        return torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")

    def logits(self, x: Tensor) -> Tensor:
        """Return logits (rows, vocabulary) of the last block's output."""
        return self._head(rms_norm(x, self._norm, self.upper.shape.eps))
