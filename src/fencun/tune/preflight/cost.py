"""A time budget turned into steps: what a step, a look and a checkpoint cost here, measured.

Done before the first step, so that the run itself depends on no clock and can be resumed.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from fencun.home import home
from fencun.tune.config import TuneConfig
from fencun.tune.examples import Example
from fencun.tune.forward.greedy import LONGEST, greedy_many
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.runs.checkpoint import Checkpoint, save_checkpoint
from fencun.tune.runs.order import batch_at

# A machine that does something else, too, is a little slower than when it was measured.
_MARGIN = 1.05
_PROBES = 2
_FEW = 4
_CANARY = 12
_ENDLESS = -1


@dataclass(frozen=True)
class Cost:
    """Seconds that a step, a look and a checkpoint take."""

    step: float
    look: float = 0.0
    checkpoint: float = 0.0

    def of(self, steps: int, config: TuneConfig) -> float:
        """Return the seconds that ``steps`` steps take with the looks and checkpoints of a run."""
        looks, saves = -(-steps // config.look), -(-steps // config.checkpoint)
        return steps * self.step + looks * self.look + saves * self.checkpoint

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


def measure_cost(
    config: TuneConfig,
    training: Sequence[Example],
    validation: Sequence[Example],
    student: Student,
    adapter: LoraAdapter,
) -> Cost:
    """Measure what a run of ``config`` does, from its own batches, nothing cached, nothing kept."""
    cache, student.lower.folder = student.lower.folder, None
    try:
        return Cost(
            _step(config, training, student, adapter),
            measure_look(config, validation, student, adapter).of(config, len(validation)),
            measure_checkpoint(adapter),
        )
    finally:
        student.lower.folder = cache
        for tensor in adapter.tensors.values():
            tensor.grad = None


def _step(
    config: TuneConfig, training: Sequence[Example], student: Student, adapter: LoraAdapter
) -> float:
    """Return the seconds of a step over samples of the usual length."""
    strata = [example.stratum for example in training]
    tokens, seconds = 0, 0.0
    for probe in range(-1, _PROBES):  # the first one warms up
        chosen = batch_at(strata, seed=config.seed, step=max(0, probe), size=config.batch)
        batch = [training[index] for index in chosen[: 1 if probe < 0 else None]]
        started = time.monotonic()
        for start in range(0, len(batch), config.micro or config.batch):
            nll, _ = student.nll(batch[start : start + (config.micro or config.batch)], adapter)
            nll.backward()  # type: ignore[no-untyped-call]
        if student.device != "cpu":
            torch.cuda.synchronize()
        if probe >= 0:
            seconds += time.monotonic() - started
            tokens += sum(len(example.ids) for example in batch)
    usual = sum(len(example.ids) for example in training) / len(training) * config.batch
    return seconds / tokens * usual


@dataclass(frozen=True)
class LookPace:
    """Seconds that a look takes to read one sample, and to write all its greetings at length."""

    read: float
    write: float

    def of(self, config: TuneConfig, validation: int) -> float:
        """Return the seconds of a look; there are ``validation`` samples to look at."""
        samples = min(validation, config.validation_samples) + _CANARY
        return samples * self.read + (self.write if config.briefs else 0.0)


def measure_look(
    config: TuneConfig, validation: Sequence[Example], student: Student, adapter: LoraAdapter
) -> LookPace:
    """Measure what a look does; of greetings, a few tokens that stand for all they may have."""
    few = validation[:_FEW]
    started = time.monotonic()
    with torch.no_grad():
        student.nll(few, adapter)
    read = (time.monotonic() - started) / len(few)
    prompts = [example.prompt for example in validation[: config.briefs]]

    def write(tokens: int) -> float:
        began = time.monotonic()
        greedy_many(student, adapter, prompts, stop=_ENDLESS, max_tokens=tokens)
        return time.monotonic() - began

    first = write(2)
    return LookPace(read, first + max(0.0, write(2 + _FEW) - first) / _FEW * (LONGEST - 2))


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
