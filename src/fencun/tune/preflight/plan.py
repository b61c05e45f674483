"""Preflight: what a run would take on this machine with this data, from a few measured steps."""

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from fencun.home import home
from fencun.tune.config import PRESETS, Preset, TuneConfig, from_mapping
from fencun.tune.examples import Example
from fencun.tune.forward.decoder import Shape
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.machine import Machine
from fencun.tune.preflight.cost import Cost, LookPace, measure_checkpoint, measure_look
from fencun.tune.runs.order import batch_at
from fencun.tune.runs.session import PLAIN, Material, fresh_adapter, rounds

_MEASURED = 3
_TOO_SLOW_S = 24 * 3600
_CHECKPOINTS = 2


@dataclass(frozen=True)
class Pace:
    """Measured seconds for one sample: its frozen lower half, and a training pass above it.

    ``layers`` is how many blocks the upper half had. ``checkpoint`` is what one
    takes, ``load`` what comes before the first step.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    layers: int
    look: LookPace
    checkpoint: float = 0.0
    load: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """One preset on this machine. Times in seconds (lowest, likely, highest), sizes in bytes.

    ``samples`` are distinct ones seen, ``tokens`` those pushed through the model.
    """

    preset: Preset
    samples: int
    tokens: int
    steps: int
    seconds: tuple[float, float, float]
    memory: int
    disk: int
    fits: bool


@dataclass(frozen=True)
class Plan:
    """All presets, the one to take (None: none fits), and what the user should know."""

    estimates: tuple[Estimate, ...]
    take: Preset | None
    notes: tuple[tuple[str, str], ...]


def measure(config: TuneConfig, material: Material, student: Student, load: float = 0.0) -> Pace:
    """Time a few samples of the run itself, each from a cold cache, gradients dropped.

    ``load`` is how many seconds it took to read base and data.
    """
    adapter = fresh_adapter(config, material.base)
    folder, student.lower.folder = student.lower.folder, None
    strata = [example.stratum for example in material.training]
    chosen = batch_at(strata, seed=config.seed, step=0, size=_MEASURED + 1)
    lower, upper = [], []
    for index in chosen:
        first, second = _time(student, adapter, material.training[index])
        lower.append(first)
        upper.append(second)
    look = measure_look(config, [e for e, _ in material.validation], student, adapter)
    student.lower.folder = folder
    blocks = len(student.upper.blocks)
    return Pace(tuple(lower[1:]), tuple(upper[1:]), blocks, look, measure_checkpoint(adapter), load)


def _time(student: Student, adapter: LoraAdapter, example: Example) -> tuple[float, float]:
    started = time.monotonic()
    student.lower(example)
    between = time.monotonic()
    nll, _ = student.nll([example], adapter)
    nll.backward()  # type: ignore[no-untyped-call]
    lower = between - started
    return lower, max(1e-6, time.monotonic() - between - lower)


def estimate(
    preset: Preset, config: TuneConfig, material: Material, machine: Machine, pace: Pace
) -> Estimate:
    """Return what ``preset`` would take; time lies between the two ends nine times out of ten."""
    config = from_mapping(dict(PRESETS[preset]), config)
    share = 1.0 if material.data == PLAIN else min(1.0, config.plain)
    count = round(len(material.training) * share)
    count = min(count, config.limit or count)
    wanted = config.steps * config.batch or math.ceil(count * config.epochs)
    depth = Shape.read(material.base.folder).layers
    layers = config.layers or depth
    lower = mean(pace.lower) * (depth - layers) / max(1, depth - pace.layers)
    upper = mean(pace.upper) * layers / pace.layers
    step = (lower + upper) * config.batch
    cost = Cost(step, pace.look.of(config, len(material.validation)), pace.checkpoint)
    if config.minutes:
        most = math.ceil(wanted / config.batch)
        wanted = cost.steps_within(config.minutes * 60 - pace.load, config, most) * config.batch
    distinct = min(wanted, count)
    beside = cost.of(math.ceil(wanted / config.batch), config) - step * wanted / config.batch
    likely = pace.load + distinct * lower + wanted * upper + beside
    spread = _spread(pace)
    tokens = [len(example.ids) for example in material.training]
    mean_tokens = mean(tokens)
    disk = _disk(config, material, distinct, mean_tokens)
    memory = _memory(config, material, machine, max(tokens))
    limit = machine.gpu_memory if machine.device == "cuda" else machine.memory
    return Estimate(
        preset,
        distinct,
        int(wanted * mean_tokens),
        math.ceil(wanted / config.batch),
        (likely * (1 - spread), likely, likely * (1 + spread)),
        memory,
        disk,
        memory < 0.9 * limit and disk < shutil.disk_usage(_existing()).free,
    )


def _spread(pace: Pace) -> float:
    each = [a + b for a, b in zip(pace.lower, pace.upper, strict=True)]
    if len(each) < 2:
        return 0.5
    return min(0.9, max(0.1, 1.645 * stdev(each) / mean(each)))


def _memory(config: TuneConfig, material: Material, machine: Machine, longest: int) -> int:
    """Return the peak memory in bytes: weights as they are held, and one batch's activations.

    Files hold bf16. In eight bits weights are held twice more, as they lie and transposed.
    """
    shape = Shape.read(material.base.folder)
    weights = sum(path.stat().st_size for path in material.base.folder.glob("*.safetensors"))
    rows = (config.micro or config.batch) * longest
    layers = config.layers or shape.layers
    activations = rows * layers * (8 * shape.hidden + 6 * 6 * shape.hidden) * 4
    held = weights * (1 if machine.bf16 else 2) + weights * rounds(config, machine)
    return int(held * 1.2 + activations + (1 << 30))


def _disk(config: TuneConfig, material: Material, distinct: int, tokens: float) -> int:
    shape = Shape.read(material.base.folder)
    hidden = int(distinct * tokens * shape.hidden * 2) if config.layers else 0
    adapter = sum(v.numel() * 4 for v in fresh_adapter(config, material.base).tensors.values())
    return hidden + adapter * (3 * _CHECKPOINTS + 1)


def _existing() -> Any:
    folder = home()
    while not folder.exists():
        folder = folder.parent
    return folder


def choose(estimates: Sequence[Estimate], machine: Machine) -> Plan:
    """Return the plan: ``full`` where it ends within the hour, else ``quick``, else ``tiny``."""
    by_name = {item.preset: item for item in estimates}
    notes: list[tuple[str, str]] = []
    take: Preset | None = None
    for preset in ("full", "quick", "tiny"):
        item = by_name.get(preset)
        if item is None or not item.fits:
            continue
        if preset == "full" and item.seconds[2] > 3600:
            continue
        take = item.preset
        break
    if machine.device == "cpu" and not machine.bf16 and not machine.int8:
        notes.append(
            (
                "这台机器没有 8 位整数和 bf16 的运算单元，改用 float32，会慢好几倍。",
                "This CPU has units neither for 8-bit integers nor for bf16: float32 is used, "
                "several times slower.",
            )
        )
    full = by_name.get("full")
    if full is not None and full.seconds[1] > _TOO_SLOW_S:
        notes.append(
            (
                "全量在这台机器上要一天以上，建议换有 GPU 的机器，或用 0.5B 的底座。",
                "The whole data would take more than a day here: take a machine with a GPU, "
                "or the 0.5B base.",
            )
        )
    for item in estimates:
        if not item.fits:
            notes.append(
                (
                    f"{item.preset} 放不下（要内存 {item.memory / 2**30:.1f} GiB、"
                    f"磁盘 {item.disk / 2**30:.1f} GiB）；减少 layers 或 batch 可以放下。",
                    f"{item.preset} does not fit (memory {item.memory / 2**30:.1f} GiB, disk "
                    f"{item.disk / 2**30:.1f} GiB); fewer layers or a smaller batch would.",
                )
            )
    return Plan(tuple(estimates), take, tuple(notes))
