"""Preference optimisation on top of an adapter: rather this answer than that one.

DPO (Rafailov et al., 2023, arXiv:2305.18290): the adapter learns to prefer the chosen answer of
a pair more than the adapter it started from does. The likelihood of the chosen answer is added
to the loss (Pang et al., 2024, arXiv:2404.19733), or both answers may become improbable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from fencun import files
from fencun.brief import parse_brief
from fencun.errors import FencunError, RecordError
from fencun.models.engine import Message
from fencun.prompt import messages
from fencun.scenario import Scenario
from fencun.tune.examples import Example, answer_ids, prompt_ids
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.runs.loop import Look, Run
from fencun.tune.runs.watch import ScenarioWatcher

_FEWEST = 8
_HELD = 8  # one prompt in so many is held out
_BATCH = 4


@dataclass(frozen=True)
class Pair(Example):
    """Two answers to one prompt. As an example it is the chosen one.

    ``reference`` is by how much the starting adapter prefers the chosen one already: the
    difference of the log-probabilities of the whole answers, in nats.
    """

    rejected: Example
    reference: float = 0.0


@dataclass(frozen=True)
class Taste:
    """How strongly to prefer: ``beta`` of DPO, and the weight of the chosen's likelihood."""

    beta: float = 0.1
    sft: float = 1.0


def read_pairs(path: Path, tokenizer: Any, scenario: Scenario, *, max_tokens: int) -> list[Pair]:
    """Read pairs: JSON Lines with chosen, rejected, and a prompt or the fields of a brief.

    Prompt and answers are strings, or chats as TRL has them (``fencun data pairs`` writes both).
    Pairs that do not fit in ``max_tokens`` are left out.

    Raises:
        RecordError: a line holds no pair; FencunError: too few are left, or no such file.
    """
    pairs = []
    for number, row in files.read_jsonl(path):
        if isinstance(row, RecordError):
            raise row
        pair = _pair(row, number, tokenizer, scenario)
        if max(len(pair.ids), len(pair.rejected.ids)) <= max_tokens:
            pairs.append(pair)
    if len(pairs) < _FEWEST:
        raise FencunError(
            f"{path} 里可用的偏好对只有 {len(pairs)} 对，至少要 {_FEWEST} 对。",
            f"{path} holds only {len(pairs)} usable pairs; at least {_FEWEST} are needed.",
        )
    return pairs


def _pair(row: files.Json, number: int, tokenizer: Any, scenario: Scenario) -> Pair:
    chosen, rejected = _text(row, "chosen", number), _text(row, "rejected", number)
    if chosen == rejected:
        raise RecordError(
            f"第 {number} 行的两条回答一样。",
            f"The two answers of line {number} are the same.",
            line=number,
        )
    prompt = tuple(prompt_ids(tokenizer, _chat(row, number, scenario)))
    family = files.sha256_json(list(prompt))[:16]

    def example(text: str) -> Example:
        answer = tuple(answer_ids(tokenizer, text))
        return Example(f"pair-{number}", family, "pair", prompt, answer, text)

    good = example(chosen)
    return Pair(
        good.id, family, good.stratum, prompt, good.answer, chosen, rejected=example(rejected)
    )


def _text(row: files.Json, key: str, number: int) -> str:
    value = row.get(key)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0].get("content")
    if not isinstance(value, str) or not value.strip():
        raise RecordError(
            f"第 {number} 行没有 {key}。", f"Line {number} has no {key}.", line=number
        )
    return value.strip()


def _chat(row: files.Json, number: int, scenario: Scenario) -> list[Message]:
    if "prompt" in row:
        return [{"role": "user", "content": _text(row, "prompt", number)}]
    fields = {d.name: row[d.name] for d in scenario.dimensions if d.name in row}
    return messages(parse_brief(scenario, fields), "tuned")


def hold_out(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Return pairs to learn from and pairs to look at; a prompt is on one side only."""
    families = sorted({pair.family for pair in pairs})
    held = set(families[::_HELD])
    if len(held) == len(families):
        raise FencunError(
            "偏好对都是同一个需求的，学不到别处去。", "All pairs are of one and the same prompt."
        )
    return (
        [pair for pair in pairs if pair.family not in held],
        [pair for pair in pairs if pair.family in held],
    )


def log_probabilities(
    student: Student, examples: Sequence[Example], adapter: LoraAdapter | None
) -> Tensor:
    """Return the log-probability of each whole answer (examples), in nats."""
    each = student.log_likelihood(examples, adapter)
    lengths = [len(example.answer) for example in examples]
    return torch.stack([part.sum() for part in torch.split(each, lengths)])


def margins(student: Student, pairs: Sequence[Pair], adapter: LoraAdapter | None) -> list[float]:
    """Return by how much each chosen answer is likelier than its rejected one, in nats."""
    found: list[float] = []
    with torch.no_grad():
        for start in range(0, len(pairs), _BATCH):
            batch = pairs[start : start + _BATCH]
            both = log_probabilities(student, [*batch, *(p.rejected for p in batch)], adapter)
            found += (both[: len(batch)] - both[len(batch) :]).tolist()
    return found


class PairStudent:
    """A student whose loss is that of pairs. It stands in the loop where a student does."""

    def __init__(self, student: Student, taste: Taste) -> None:
        self.student, self.taste = student, taste

    def nll(self, batch: Sequence[Pair], adapter: LoraAdapter | None) -> tuple[Tensor, int]:
        """Return the summed loss of the pairs and how many there are."""
        both = log_probabilities(self.student, [*batch, *(p.rejected for p in batch)], adapter)
        chosen, rejected = both[: len(batch)], both[len(batch) :]
        reference = torch.tensor([pair.reference for pair in batch], device=both.device)
        lengths = torch.tensor([len(pair.answer) for pair in batch], device=both.device)
        preferred = logsigmoid(self.taste.beta * (chosen - rejected - reference))
        return -(preferred + self.taste.sft * chosen / lengths).sum(), len(batch)


class PreferenceRun(Run):
    """The loop of a tuning run, over pairs: a step's loss is the mean over its pairs."""

    def _gradients(self, batch: Sequence[Example], total: int) -> float:
        return super()._gradients(batch, len(batch))


class PreferenceWatcher:
    """Looks as at any run, but its loss is that of the pairs that are held out."""

    def __init__(self, watch: ScenarioWatcher, student: PairStudent, held: Sequence[Pair]) -> None:
        self._watch, self._student, self._held = watch, student, held

    def __call__(self, step: int, student: Student, adapter: LoraAdapter) -> Look:
        """Look with ``adapter`` on; the loop's ``student`` is the one of pairs."""
        look = self._watch(step, self._student.student, adapter)
        total = 0.0
        with torch.no_grad():
            for start in range(0, len(self._held), _BATCH):
                loss, _count = self._student.nll(self._held[start : start + _BATCH], adapter)
                total += float(loss)
        return replace(look, loss=total / len(self._held))


def with_reference(pairs: Sequence[Pair], values: dict[str, float]) -> list[Pair]:
    """Return the pairs with the margins of the starting adapter, by id."""
    return [replace(pair, reference=values[pair.id]) for pair in pairs]
