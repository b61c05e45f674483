"""Greedy answers of a student while it is being tuned: to watch the voice arrive."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fencun.tune.forward.decoder import Decoder, KeysValues, Lora, PackedLayout
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter

LONGEST = 140  # tokens of an answer


def greedy(
    student: Student,
    adapter: LoraAdapter | None,
    prompt: Sequence[int],
    *,
    stop: int,
    max_tokens: int = LONGEST,
) -> list[int]:
    """Return the likeliest token again and again, until ``stop`` or ``max_tokens``.

    ``prompt`` must begin with the student's prefix. Only the student's vocabulary is written.
    """
    return greedy_many(student, adapter, [prompt], stop=stop, max_tokens=max_tokens)[0]


def greedy_many(
    student: Student,
    adapter: LoraAdapter | None,
    prompts: Sequence[Sequence[int]],
    *,
    stop: int,
    max_tokens: int = LONGEST,
) -> list[list[int]]:
    """Answer several prompts at once: a step reads the weights once, however many there are."""
    if not prompts:
        return []
    lora = adapter.pairs(dtype=student.dtype, device=student.device) if adapter else None
    count = len(student.prefix)
    pending = [list(prompt[count:]) for prompt in prompts]
    written: list[list[int]] = [[] for _ in prompts]
    with torch.no_grad():
        reader = _StudentReader(student, lora, [len(own) for own in pending])
        live = list(range(len(prompts)))
        tokens = reader.read_prompts(pending)
        while live:
            chosen = zip(live, tokens, strict=True)
            going = [(place, token) for place, token in chosen if token != stop]
            for place, token in going:
                written[place].append(token)
            going = [pair for pair in going if len(written[pair[0]]) < max_tokens]
            live = [place for place, _ in going]
            if live:
                tokens = reader.read_next(live, [token for _, token in going])
    return written


class _Next(PackedLayout):
    """One new token a sample; ``rows`` are the rows that hold each sample's keys, its own last."""

    def __init__(self, rows: Sequence[Sequence[int]], prefix: int, device: str) -> None:
        longest = max(map(len, rows))
        self.prefix, self.past, self.exact = prefix, True, 0
        self.queries = torch.arange(len(rows), device=device)[:, None]
        self.valid = torch.ones(len(rows), 1, dtype=torch.bool, device=device)
        padded = [[*own, *[0] * (longest - len(own))] for own in rows]
        self.keys = torch.tensor(padded, device=device)
        counts = torch.tensor([len(own) for own in rows], device=device)
        seen = torch.arange(longest, device=device)[None, :] < counts[:, None]
        self.mask = seen[:, None, None, :]
        self.positions = counts - 1


class _StudentReader:
    """Both halves of a student, and which rows of their keys belong to which sample."""

    def __init__(self, student: Student, lora: Lora | None, lengths: Sequence[int]) -> None:
        self._student, self._lora = student, lora
        prefix = len(student.prefix)
        self._lower, self._upper = _Half(student.lower.quick), _Half(student.upper)
        if prefix:
            self._lower.past = list(student.lower.past)
            first = PackedLayout([prefix], 0, past=True, exact=prefix, device=student.device)
            self._upper.read(student.lower.prefix, first, lora)
        self._prompts = PackedLayout(lengths, prefix, past=True, device=student.device)
        self._ends = [sum(lengths[: n + 1]) - 1 for n in range(len(lengths))]
        self._total = prefix + sum(lengths)
        self._rows = [
            [*range(prefix), *range(prefix + end + 1 - length, prefix + end + 1)]
            for end, length in zip(self._ends, lengths, strict=True)
        ]

    def read_prompts(self, pending: Sequence[Sequence[int]]) -> list[int]:
        """Read all prompts, without their prefix; return the likeliest next token of each."""
        x = self._run([token for own in pending for token in own], self._prompts)
        return self._likeliest(x[self._ends])

    def read_next(self, live: Sequence[int], tokens: Sequence[int]) -> list[int]:
        """Read one token for each of the ``live`` samples; return what follows."""
        for offset, place in enumerate(live):
            self._rows[place].append(self._total + offset)
        self._total += len(live)
        rows = [self._rows[place] for place in live]
        layout = _Next(rows, len(self._student.prefix), self._student.device)
        return self._likeliest(self._run(tokens, layout))

    def _run(self, tokens: Sequence[int], layout: PackedLayout) -> Tensor:
        x = self._lower.read(self._student.lower.embed(tokens), layout, None)
        return self._upper.read(x, layout, self._lora)

    def _likeliest(self, x: Tensor) -> list[int]:
        places = self._student.logits(x).argmax(-1).cpu()
        return [int(token) for token in self._student.vocabulary[places]]


class _Half:
    """Some blocks and the keys and values of all they have read."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.past: list[KeysValues] | None = None

    def read(self, x: Tensor, layout: PackedLayout, lora: Lora | None) -> Tensor:
        """Run ``x`` (rows, hidden) through the blocks, after all that came before."""
        keep: list[KeysValues] = []
        y = self._decoder.forward(x, layout, lora, past=self.past, keep=keep)
        if self.past is None:
            self.past = keep
        else:
            self.past = [
                (torch.cat([old[0], new[0]]), torch.cat([old[1], new[1]]))
                for old, new in zip(self.past, keep, strict=True)
            ]
        return y
