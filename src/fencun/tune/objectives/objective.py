"""What a run learns: from which examples, and what a batch of them costs.

The loop, its checkpoints, its looks and its log know nothing of an objective but this
protocol. A new one subclasses it, reads its own files, and is named in ``registry``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from fencun.records import Sample
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample
from fencun.tune.formats.opening import open_adapter
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.runs.folder import base_of_run

E = TypeVar("E", bound=TrainingExample)
_AT_ONCE = 8


@dataclass(frozen=True)
class LookWriting:
    """What a look lets the student write, and which texts that should not repeat.

    briefs: samples for whose briefs messages are written, with their examples.
    learnt: texts that are trained on; unseen: texts by people that are not.
    """

    briefs: list[tuple[TrainingExample, Sample]] = field(default_factory=list)
    learnt: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ExampleSet(Generic[E]):
    """The examples of a run.

    training: what is learnt, in the order of its files.
    held: held out, of families (or prompts) not trained on; a look's loss is theirs.
    others: further token sequences that the run reads: with those above they make up the
        vocabulary that is predicted, and the prefix that all share.
    dropped: ids of samples that were too long.
    writing: what a look lets the student write; nothing where writing is not what is learnt.
    """

    training: list[E]
    held: list[E]
    others: list[TrainingExample] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    writing: LookWriting = field(default_factory=LookWriting)

    @property
    def sequences(self) -> list[TrainingExample]:
        """Every token sequence that the run reads."""
        return [*self.training, *self.held, *self.others]


@dataclass(frozen=True)
class Readings(Generic[E]):
    """What an objective read from its files, before any base is opened.

    ``hashes`` are the SHA-256 of those files by name; ``encode`` turns what they hold into
    token ids once there is a tokenizer.
    """

    hashes: dict[str, str]
    encode: Callable[[Any], ExampleSet[E]]


class Objective(Protocol[E]):
    """What is learnt, and what a batch of it costs.

    ``name`` stands in the config.json of a run as its ``method``, ``options`` beside it.
    """

    name: ClassVar[str]

    def options(self) -> dict[str, Any]:
        """Return what the objective is made of, as JSON, to make it again on resuming."""
        return {}

    def resolve(self, config: TuneConfig) -> TuneConfig:
        """Return ``config`` with what follows from the objective; files only, no base yet.

        Raises:
            FencunError: an option does not go with this objective.
        """
        return config

    def read(self, scenario: Scenario, config: TuneConfig) -> Readings[E]:
        """Read the files that are learnt from.

        Raises:
            FencunError: they are missing, malformed, or would make validation meaningless.
        """
        ...

    def prepare(
        self, folder: Path, examples: ExampleSet[E], student: Student, adapter: LoraAdapter
    ) -> ExampleSet[E]:
        """Return the examples with what the starting ``adapter`` makes of them, if that matters.

        What takes long is kept in the run's ``folder``.
        """
        return examples

    def cost(self, student: Student, batch: Sequence[E], adapter: LoraAdapter | None) -> Tensor:
        """Return the summed cost of ``batch``, a scalar that gradients flow through."""
        ...

    def count(self, batch: Sequence[E]) -> int:
        """Return what a summed cost is divided by: tokens, pairs, answers."""
        ...

    def results(self, student: Student, held: Sequence[E], adapter: LoraAdapter) -> dict[str, Any]:
        """Return what else the manifest should say of the adapter that is kept."""
        return {}


def mean_cost(
    objective: Objective[E], student: Student, examples: Sequence[E], adapter: LoraAdapter | None
) -> float:
    """Return the mean cost of ``examples``, no gradients kept."""
    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(examples), _AT_ONCE):
            batch = examples[start : start + _AT_ONCE]
            total += float(objective.cost(student, batch, adapter))
            count += objective.count(batch)
    return total / count


def as_started(config: TuneConfig) -> TuneConfig:
    """Return ``config`` with rank, alpha and layers of the adapter it starts from, and its base."""
    start = Path(config.start)
    adapter = open_adapter(start)
    return config.replaced(
        base=config.base or base_of_run(start),
        rank=adapter.rank,
        alpha=adapter.alpha,
        layers=len(adapter.layers),
    )
