"""What a run costs in seconds: one formula, fed with what parts of the model take here, measured.

Preflight measures on a few blocks of the base and reckons for all of them; a run with a budget
of minutes measures on the base that it has loaded, before its first step, so that the run
itself depends on no clock and can be resumed.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from fencun.home import home
from fencun.tune.config import TuneConfig
from fencun.tune.forward.greedy import LONGEST, greedy_many
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.objectives.objective import E, ExampleSet, Objective
from fencun.tune.runs.checkpoint import Checkpoint, save_checkpoint
from fencun.tune.runs.order import batch_at

# A machine that does something else, too, is a little slower than when it was measured.
_MARGIN = 1.05
_PROBES = 2
_FEW = 4
_CANARY = 12
_ENDLESS = -1
_SHORTEST_S = 1e-9


@dataclass(frozen=True)
class Cost:
    """Seconds that the parts of a run take.

    ``step`` is a step without what frozen lower blocks make of its samples; that is ``reading``
    seconds for each of the ``samples`` distinct ones, once. ``look`` and ``checkpoint``: each.
    """

    step: float
    look: float = 0.0
    checkpoint: float = 0.0
    reading: float = 0.0
    samples: int = 0

    def of(self, steps: int, config: TuneConfig) -> float:
        """Return the seconds that ``steps`` steps take with the looks and checkpoints of a run."""
        looks, saves = -(-steps // config.look), -(-steps // config.checkpoint)
        read = min(steps * config.batch, self.samples) * self.reading
        return read + steps * self.step + looks * self.look + saves * self.checkpoint

    def steps_within(self, seconds: float, config: TuneConfig, most: int) -> int:
        """Return how many steps, from 1 to ``most``, end within ``seconds``."""
        fewest, too_many = 1, most + 1
        while too_many - fewest > 1:
            middle = (fewest + too_many) // 2
            if self.of(middle, config) * _MARGIN <= seconds:
                fewest = middle
            else:
                too_many = middle
        return fewest


@dataclass(frozen=True)
class TokenTime:
    """Seconds for one token: of one block, and of the output layer."""

    block: float
    head: float

    def of(self, blocks: int) -> float:
        """Return the seconds for one token through ``blocks`` blocks and the output layer."""
        return blocks * self.block + self.head


@dataclass(frozen=True)
class Pace:
    """What one token takes here, in seconds.

    train: through an adapted block and back. below: through a frozen lower block, once a sample.
    read: through any block in a look. write: one token of all the messages of a look at once.
    checkpoint: seconds of one. probes: seconds a token of each batch measured, for its spread.
    """

    train: TokenTime
    below: float
    read: TokenTime
    write: TokenTime
    checkpoint: float
    probes: tuple[float, ...] = ()

    def cost(self, config: TuneConfig, examples: ExampleSet[Any], depth: int) -> Cost:
        """Return what a run of ``config`` over ``examples`` costs on a base of ``depth`` blocks."""
        adapted = config.layers or depth
        tokens = mean(len(example.ids) for example in examples.training)
        looked_at = min(len(examples.held), config.validation_samples) + _CANARY
        look = looked_at * mean(len(e.ids) for e in examples.held) * self.read.of(depth)
        prompts = [len(e.prompt) for e, _ in examples.writing.briefs[: config.briefs]]
        if prompts:
            look += sum(prompts) * self.read.of(depth) + LONGEST * self.write.of(depth)
        return Cost(
            step=config.batch * tokens * self.train.of(adapted),
            look=look,
            checkpoint=self.checkpoint,
            reading=tokens * self.below * (depth - adapted),
            samples=len(examples.training),
        )


def measure_pace(
    objective: Objective[E],
    config: TuneConfig,
    examples: ExampleSet[E],
    student: Student,
    adapter: LoraAdapter,
) -> Pace:
    """Measure what a run of ``config`` does, from its own batches, nothing cached, nothing kept."""
    cache, student.lower.folder = student.lower.folder, None
    try:
        train, below, probes = _training(objective, config, examples.training, student, adapter)
        return Pace(
            train,
            below,
            _reading(objective, examples.held[:_FEW], student, adapter),
            _writing([e.prompt for e, _ in examples.writing.briefs], student, adapter),
            measure_checkpoint(adapter),
            probes,
        )
    finally:
        student.lower.folder = cache
        for tensor in adapter.tensors.values():
            tensor.grad = None


def _training(
    objective: Objective[E],
    config: TuneConfig,
    training: Sequence[E],
    student: Student,
    adapter: LoraAdapter,
) -> tuple[TokenTime, float, tuple[float, ...]]:
    strata = [example.stratum for example in training]
    micro = config.at_once(student.device)
    below, whole, head, tokens = 0.0, [], 0.0, []
    for probe in range(-1, _PROBES):  # the first one warms up
        chosen = batch_at(strata, seed=config.seed, step=max(0, probe), size=config.batch)
        batch = [training[index] for index in chosen[: 1 if probe < 0 else None]]

        def learn(batch: Sequence[E] = batch) -> None:
            for start in range(0, len(batch), micro):
                cost = objective.cost(student, batch[start : start + micro], adapter)
                cost.backward()  # type: ignore[no-untyped-call]

        def read(batch: Sequence[E] = batch) -> None:
            for example in batch:
                student.lower(example)

        rows = sum(len(example.answer) for example in batch)
        measured = _seconds(student, learn), _seconds(student, read), _head(student, rows, True)
        if probe >= 0:
            whole.append(measured[0] - measured[1])
            below, head = below + measured[1], head + measured[2]
            tokens.append(sum(len(example.ids) for example in batch))
    lower, upper = len(student.lower.quick.blocks), len(student.upper.blocks)
    part = TokenTime(
        max(_SHORTEST_S, (sum(whole) - head) / sum(tokens) / upper), head / sum(tokens)
    )
    probes = tuple(one / count for one, count in zip(whole, tokens, strict=True))
    return part, below / sum(tokens) / max(1, lower), probes


def _reading(
    objective: Objective[E], examples: Sequence[E], student: Student, adapter: LoraAdapter
) -> TokenTime:
    def read() -> None:
        with torch.no_grad():
            objective.cost(student, examples, adapter)

    tokens = sum(len(example.ids) for example in examples)
    whole = _seconds(student, read)
    head = _head(student, sum(len(example.answer) for example in examples), False)
    return _part(whole / tokens, head / tokens, student)


def _writing(prompts: Sequence[Sequence[int]], student: Student, adapter: LoraAdapter) -> TokenTime:
    """Measure a few tokens, which stand for all that messages may have."""
    if not prompts:
        return TokenTime(0.0, 0.0)

    def write(tokens: int) -> float:
        return _seconds(
            student,
            lambda: greedy_many(student, adapter, prompts, stop=_ENDLESS, max_tokens=tokens),
        )

    first = write(2)
    each = max(0.0, write(2 + _FEW) - first) / _FEW
    return _part(each, _head(student, len(prompts), False), student)


def _part(whole: float, head: float, student: Student) -> TokenTime:
    blocks = len(student.lower.quick.blocks) + len(student.upper.blocks)
    return TokenTime(max(_SHORTEST_S, (whole - head) / blocks), min(head, whole))


def _head(student: Student, rows: int, learning: bool) -> float:
    """Return the seconds of the output layer for ``rows`` tokens, and back if ``learning``."""
    x = torch.zeros(rows, student.upper.shape.hidden, dtype=student.dtype, device=student.device)

    def run() -> None:
        with torch.set_grad_enabled(learning):
            cost = student.logits(x.requires_grad_(learning)).float().log_softmax(-1).sum()
        if learning:
            cost.backward()  # type: ignore[no-untyped-call]

    return _seconds(student, run)


def _seconds(student: Student, work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    if student.device != "cpu":
        torch.cuda.synchronize()
    return time.monotonic() - started


def measure_checkpoint(adapter: LoraAdapter) -> float:
    """Return the seconds that a checkpoint takes: the adapter and both moments of AdamW."""
    tensors = {
        f"{kind}.{name}": value.detach().clone()
        for kind in ("adapter", "mean", "square")
        for name, value in adapter.tensors.items()
    }
    home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home()) as folder:
        started = time.monotonic()
        save_checkpoint(Path(folder), Checkpoint(0, tensors, {}))
        return time.monotonic() - started
