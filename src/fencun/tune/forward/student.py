"""A base with an adapter on its upper blocks: the loss of a batch, and answers on the way."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fencun.tune.examples import TrainingExample
from fencun.tune.forward.decoder import Decoder, KeysValues, PackedLayout, Weights, rms_norm
from fencun.tune.forward.frozen import Plain, frozen
from fencun.tune.forward.hidden import Lower
from fencun.tune.lora import LoraAdapter


class Student:
    """The frozen base in two halves, and how it is computed.

    Args:
        folder: the base, a Hugging Face folder.
        first: the lowest adapted block; blocks below it run without gradients.
        prefix: tokens that every prompt begins with.
        int8: multiply frozen weights in 8-bit integers (CPU).
        through_prompt: let gradients flow through the tokens of the prompt, too. Without them
            two thirds of the backward pass are spared; the prompt is read with the adapter on
            all the same.
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
        through_prompt: bool = True,
        vocabulary: Sequence[int] | None = None,
        cache: Path | None = None,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
        weights: Weights | None = None,
    ) -> None:
        self.prefix = tuple(prefix)
        self.dtype, self.device = dtype, device
        self.through_prompt = through_prompt
        given: dict[str, Any] = {"dtype": dtype, "device": device, "weights": weights}
        make = partial(frozen, int8=int8, dtype=dtype)
        below = Decoder(folder, range(first), make, **given)
        self.lower = Lower(below, prefix, cache)
        layers = range(first, below.shape.layers)
        self.upper = Decoder(folder, layers, make, **given)
        self._norm, head = self.upper.head()
        self.vocabulary = (
            torch.arange(head.shape[0])
            if vocabulary is None
            else (torch.tensor(sorted(vocabulary)))
        )
        self._place = torch.full((head.shape[0],), -1, dtype=torch.long)
        self._place[self.vocabulary] = torch.arange(len(self.vocabulary))
        self._place = self._place.to(device)
        # Never rounded: the gradient of a softmax is one large number among many tiny ones.
        self._head = Plain(head[self.vocabulary].to(dtype))

    def nll(
        self, batch: Sequence[TrainingExample], adapter: LoraAdapter | None
    ) -> tuple[Tensor, int]:
        """Return the summed negative log-likelihood of the answers, in nats, and their tokens."""
        each = self.log_likelihood(batch, adapter)
        return -each.sum(), len(each)

    def log_likelihood(
        self, batch: Sequence[TrainingExample], adapter: LoraAdapter | None
    ) -> Tensor:
        """Return the log-probability of every token of the answers in turn, in nats."""
        logits = self.logits(self._before_answers(batch, adapter)).float()
        answers = torch.tensor([token for e in batch for token in e.answer], device=self.device)
        return logits.log_softmax(-1).gather(1, self._place[answers][:, None])[:, 0]

    def last_logits(
        self, batch: Sequence[TrainingExample], adapter: LoraAdapter | None, tokens: Sequence[int]
    ) -> Tensor:
        """Return the logits (examples, tokens) of ``tokens`` for the last place of each answer."""
        x = self._before_answers(batch, adapter)
        ends = torch.tensor([len(e.answer) for e in batch], device=self.device).cumsum(0) - 1
        wanted = self._place[torch.tensor(list(tokens), device=self.device)]
        return self.logits(x[ends]).float()[:, wanted]

    def _before_answers(
        self, batch: Sequence[TrainingExample], adapter: LoraAdapter | None
    ) -> Tensor:
        """Return the last block's output (tokens of all answers, hidden) that foretells them."""
        lora = adapter.pairs(dtype=self.dtype, device=self.device) if adapter else None
        hidden = [self.lower(example) for example in batch]
        lengths = [len(x) - len(e.answer) for x, e in zip(hidden, batch, strict=True)]
        count = len(self.prefix)
        if self.through_prompt:
            layout = PackedLayout([len(x) for x in hidden], count, past=False, device=self.device)
            x = self.upper.forward(torch.cat([self.lower.prefix, *hidden]), layout, lora)
            own = torch.split(x[count:], [len(x) for x in hidden])
            return torch.cat([x[n:] for x, n in zip(own, lengths, strict=True)])
        past: list[KeysValues] = []
        with torch.no_grad():
            layout = PackedLayout(lengths, count, past=False, device=self.device)
            heads = [x[:n] for x, n in zip(hidden, lengths, strict=True)]
            self.upper.forward(torch.cat([self.lower.prefix, *heads]), layout, lora, keep=past)
        tails = [x[n:] for x, n in zip(hidden, lengths, strict=True)]
        layout = PackedLayout(
            [len(x) for x in tails], count, past=True, before=lengths, device=self.device
        )
        return self.upper.forward(torch.cat(tails), layout, lora, past=past)

    def logits(self, x: Tensor) -> Tensor:
        """Return logits (rows, vocabulary) of the last block's output."""
        return self._head(rms_norm(x, self._norm, self.upper.shape.eps))
