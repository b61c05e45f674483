"""Preference optimisation on top of an adapter: rather this answer than that one.

DPO (Rafailov et al., 2023, arXiv:2305.18290): the adapter learns to prefer the chosen answer of
a pair more than the adapter it started from does. The likelihood of the chosen answer is added
to the loss (Pang et al., 2024, arXiv:2404.19733), or both answers may become improbable.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
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
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample, answer_ids, prompt_ids
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.objectives.objective import ExampleSet, Objective, Readings, as_started
from fencun.tune.objectives.sft import Sft

_FEWEST = 8
_HELD = 8  # one prompt in so many is held out
_BATCH = 4
_REFERENCE = "reference.json"
# A small rate and one pass: preferences are few, and the voice is there already.
DEFAULTS: dict[str, Any] = {"rate": 2e-5, "epochs": 1.0, "warmup": 4, "look": 10, "patience": 2}


@dataclass(frozen=True)
class PairExample(TrainingExample):
    """Two answers to one prompt. As an example it is the chosen one.

    ``reference`` is by how much the starting adapter prefers the chosen one already: the
    difference of the log-probabilities of the whole answers, in nats.
    """

    rejected: TrainingExample
    reference: float = 0.0


@dataclass(frozen=True)
class PairText:
    """A pair as it was written, from line ``number`` of its file."""

    number: int
    prompt: list[Message]
    chosen: str
    rejected: str


def read_pairs(path: Path, scenario: Scenario) -> list[PairText]:
    """Read pairs: JSON Lines with chosen, rejected, and a prompt or the fields of a brief.

    Prompt and answers are strings, or chats as TRL has them (``fencun data pairs`` writes both).

    Raises:
        RecordError: a line holds no pair; FencunError: too few pairs, or no such file.
    """
    pairs = []
    for number, row in files.read_jsonl(path):
        if isinstance(row, RecordError):
            raise row
        chosen, rejected = _text(row, "chosen", number), _text(row, "rejected", number)
        if chosen == rejected:
            raise RecordError(
                f"第 {number} 行的两条回答一样。",
                f"The two answers of line {number} are the same.",
                line=number,
            )
        pairs.append(PairText(number, _prompt(row, number, scenario), chosen, rejected))
    _refuse_few(len(pairs))
    return pairs


def encode_pairs(
    tokenizer: Any, pairs: Sequence[PairText], *, max_tokens: int
) -> list[PairExample]:
    """Return the pairs as token ids; those that do not fit in ``max_tokens`` are left out.

    Raises:
        FencunError: too few are left.
    """
    encoded = [_encode(tokenizer, pair) for pair in pairs]
    fitting = [pair for pair in encoded if max(len(pair.ids), len(pair.rejected.ids)) <= max_tokens]
    _refuse_few(len(fitting))
    return fitting


def _refuse_few(count: int) -> None:
    if count < _FEWEST:
        raise FencunError(
            f"可用的偏好对只有 {count} 对，至少要 {_FEWEST} 对。",
            f"There are only {count} usable pairs; at least {_FEWEST} are needed.",
        )


def _encode(tokenizer: Any, pair: PairText) -> PairExample:
    prompt = tuple(prompt_ids(tokenizer, pair.prompt))
    family = files.sha256_json(list(prompt))[:16]

    def example(text: str) -> TrainingExample:
        answer = tuple(answer_ids(tokenizer, text))
        return TrainingExample(f"pair-{pair.number}", family, "pair", prompt, answer, text)

    good = example(pair.chosen)
    return PairExample(
        good.id, family, good.stratum, prompt, good.answer, good.text,
        rejected=example(pair.rejected),
    )  # fmt: skip


def _text(row: files.Json, key: str, number: int) -> str:
    value = row.get(key)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0].get("content")
    if not isinstance(value, str) or not value.strip():
        raise RecordError(
            f"第 {number} 行没有 {key}。", f"Line {number} has no {key}.", line=number
        )
    return value.strip()


def _prompt(row: files.Json, number: int, scenario: Scenario) -> list[Message]:
    if "prompt" in row:
        return [{"role": "user", "content": _text(row, "prompt", number)}]
    fields = {d.name: row[d.name] for d in scenario.dimensions if d.name in row}
    return messages(parse_brief(scenario, fields), "tuned")


def hold_out(pairs: Sequence[PairExample]) -> tuple[list[PairExample], list[PairExample]]:
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
    student: Student, examples: Sequence[TrainingExample], adapter: LoraAdapter | None
) -> Tensor:
    """Return the log-probability of each whole answer (examples), in nats."""
    each = student.log_likelihood(examples, adapter)
    lengths = [len(example.answer) for example in examples]
    return torch.stack([part.sum() for part in torch.split(each, lengths)])


def margins(
    student: Student, pairs: Sequence[PairExample], adapter: LoraAdapter | None
) -> list[float]:
    """Return by how much each chosen answer is likelier than its rejected one, in nats."""
    found: list[float] = []
    with torch.no_grad():
        for start in range(0, len(pairs), _BATCH):
            batch = pairs[start : start + _BATCH]
            both = log_probabilities(student, [*batch, *(p.rejected for p in batch)], adapter)
            found += (both[: len(batch)] - both[len(batch) :]).tolist()
    return found


@dataclass(frozen=True)
class Dpo(Objective[PairExample]):
    """Rather the chosen than the rejected answer of each pair in the file ``pairs``.

    The adapter that a run starts from is what ``TuneConfig.start`` names. ``beta`` says how
    strongly to prefer, ``sft`` is the weight of the chosen answer's likelihood.
    """

    pairs: str
    beta: float = 0.1
    sft: float = 1.0

    name = "dpo"

    def options(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    def resolve(self, config: TuneConfig) -> TuneConfig:
        """Return ``config`` with rank, layers and, where none is named, the base of its start.

        Raises:
            FencunError: no adapter to start from, or a budget of minutes.
        """
        if not config.start:
            raise FencunError(
                "dpo 要说从哪个适配器起步：--adapter。", "dpo needs --adapter to start from."
            )
        if config.minutes:
            raise FencunError(
                "dpo 不按分钟跑：用 --config 里的 steps 或 epochs 说学多久。",
                "dpo knows no minutes: say how long with steps or epochs in --config.",
            )
        return as_started(config)

    def read(self, scenario: Scenario, config: TuneConfig) -> Readings[PairExample]:
        """Read the pairs, and the scenario's samples: a look writes messages for their briefs."""
        writing = Sft().read(scenario, config)
        path = Path(self.pairs)
        written = read_pairs(path, scenario)

        def encode(tokenizer: Any) -> ExampleSet[PairExample]:
            pairs = encode_pairs(tokenizer, written, max_tokens=config.max_tokens)
            learnt, held = hold_out(pairs)
            samples = writing.encode(tokenizer)
            others = [*samples.held, *samples.others, *(pair.rejected for pair in pairs)]
            return ExampleSet(learnt, held, others=others, writing=samples.writing)

        return Readings({"pairs": files.sha256_file(path)}, encode)

    def prepare(
        self,
        folder: Path,
        examples: ExampleSet[PairExample],
        student: Student,
        adapter: LoraAdapter,
    ) -> ExampleSet[PairExample]:
        """Return the pairs with the margins of the starting adapter: computed once, then read."""
        path = folder / _REFERENCE
        pairs = [*examples.training, *examples.held]
        if not path.exists():
            found = margins(student, pairs, adapter)
            by_id = {pair.id: margin for pair, margin in zip(pairs, found, strict=True)}
            files.write_json(path, by_id)
        reference: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return replace(
            examples,
            training=with_reference(examples.training, reference),
            held=with_reference(examples.held, reference),
        )

    def cost(
        self, student: Student, batch: Sequence[PairExample], adapter: LoraAdapter | None
    ) -> Tensor:
        """Return the summed loss of the pairs."""
        both = log_probabilities(student, [*batch, *(p.rejected for p in batch)], adapter)
        chosen, rejected = both[: len(batch)], both[len(batch) :]
        reference = torch.tensor([pair.reference for pair in batch], device=both.device)
        lengths = torch.tensor([len(pair.answer) for pair in batch], device=both.device)
        preferred = logsigmoid(self.beta * (chosen - rejected - reference))
        return -(preferred + self.sft * chosen / lengths).sum()

    def count(self, batch: Sequence[PairExample]) -> int:
        """Return the number of pairs."""
        return len(batch)

    def results(
        self, student: Student, held: Sequence[PairExample], adapter: LoraAdapter
    ) -> dict[str, Any]:
        """Return the mean margin of the pairs held out, in nats, before the run and after it."""
        after = margins(student, held, adapter)
        before = [pair.reference for pair in held]
        return {"margin": {"before": sum(before) / len(before), "after": sum(after) / len(after)}}


def with_reference(pairs: Sequence[PairExample], values: dict[str, float]) -> list[PairExample]:
    """Return the pairs with the margins of the starting adapter, by id."""
    return [replace(pair, reference=values[pair.id]) for pair in pairs]
