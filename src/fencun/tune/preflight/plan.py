"""Preflight: what a run would take on this machine with this data, from a few measured steps."""

import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, stdev

from fencun import files
from fencun.home import home
from fencun.tune.base import weights_of_base
from fencun.tune.config import PLAIN, PRESETS, Preset, TuneConfig, from_mapping
from fencun.tune.examples import TrainingExample
from fencun.tune.forward.decoder import Decoder, Shape
from fencun.tune.forward.frozen import frozen
from fencun.tune.machine import Machine, look_around
from fencun.tune.material import Material, gather
from fencun.tune.objectives.sft import Sft
from fencun.tune.preflight.cost import Pace, measure_checkpoint, measure_pace
from fencun.tune.preflight.sizes import disk_bytes, memory_bytes
from fencun.tune.runs.loading import build_student, rounds, starting_adapter

_BLOCKS = 3
_TOO_SLOW_S = 24 * 3600


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

    machine: Machine
    estimates: tuple[Estimate, ...]
    take: Preset | None
    notes: tuple[tuple[str, str], ...]


def plan_run(config: TuneConfig, tell: Callable[[str, str], None] = lambda zh, en: None) -> Plan:
    """Return what each preset would take for a run of ``config`` on this machine.

    A few blocks of the base are loaded and measured; for the others is reckoned. ``tell`` is
    told what is done, in Chinese and in English, before it is done.

    Raises:
        FencunError: base or data are missing, malformed, or too little to learn from.
    """
    machine = look_around()
    started = time.monotonic()
    tell("读数据，认底座…", "Reading the data, looking at the base…")
    material = gather(Sft(), config, weights=False)
    read = time.monotonic() - started
    tell(f"量 {_BLOCKS} 层，推算全部…", f"Measuring {_BLOCKS} blocks, to reckon for all…")
    with tempfile.TemporaryDirectory() as folder:
        pace, load = _measure(material, machine, Path(folder))
    estimates = [estimate(preset, material, machine, pace, read + load) for preset in PRESETS]
    return choose(estimates, machine)


def _measure(
    material: Material[TrainingExample], machine: Machine, folder: Path
) -> tuple[Pace, float]:
    """Return the pace of the base, and the seconds that loading all of it would take."""
    depth = Shape.read(material.base.folder).layers
    blocks = min(_BLOCKS, depth)
    shallow = _shallow(material, folder, blocks)
    weights = weights_of_base(material.base)
    started = time.monotonic()
    student = build_student(shallow, machine, weights=weights)
    built = time.monotonic() - started
    started = time.monotonic()
    make = partial(frozen, int8=rounds(material.config, machine), dtype=student.dtype)
    Decoder(folder, range(1), make, dtype=student.dtype, device=student.device, weights=weights)
    load = built + (time.monotonic() - started) * (depth - blocks)
    adapter = starting_adapter(shallow.config, shallow.base)
    pace = measure_pace(Sft(), shallow.config, shallow.examples, student, adapter)
    whole = starting_adapter(material.config.replaced(start=""), material.base)
    return replace(pace, checkpoint=measure_checkpoint(whole)), load


def _shallow(
    material: Material[TrainingExample], folder: Path, blocks: int
) -> Material[TrainingExample]:
    """Return ``material`` with a base of its first ``blocks`` blocks, the upper ones adapted."""
    config = json.loads((material.base.folder / "config.json").read_text(encoding="utf-8"))
    files.write_json(folder / "config.json", {**config, "num_hidden_layers": blocks})
    return replace(
        material,
        base=replace(material.base, folder=folder),
        config=material.config.replaced(layers=max(1, blocks - 1), start=""),
    )


def estimate(
    preset: Preset, material: Material[TrainingExample], machine: Machine, pace: Pace, load: float
) -> Estimate:
    """Return what ``preset`` would take; time lies between the two ends nine times out of ten.

    ``load`` is how many seconds come before the first step.
    """
    config = from_mapping(dict(PRESETS[preset]), material.config)
    examples = material.examples
    share = 1.0 if material.config.data == PLAIN else min(1.0, config.plain)
    count = round(len(examples.training) * share)
    count = min(count, config.limit or count)
    depth = Shape.read(material.base.folder).layers
    cost = replace(pace.cost(config, examples, depth), samples=count)
    steps = config.steps or max(1, math.ceil(count * config.epochs / config.batch))
    if config.minutes:
        steps = cost.steps_within(config.minutes * 60 - load, config, steps)
    likely = load + cost.of(steps, config)
    spread = _spread(pace)
    tokens = [len(example.ids) for example in examples.training]
    distinct = min(steps * config.batch, count)
    disk = disk_bytes(config, material.base, distinct, mean(tokens))
    memory = peak_memory(config, material, machine)
    limit = machine.gpu_memory if machine.device == "cuda" else machine.memory
    return Estimate(
        preset,
        distinct,
        int(steps * config.batch * mean(tokens)),
        steps,
        (likely * (1 - spread), likely, likely * (1 + spread)),
        memory,
        disk,
        memory < 0.9 * limit and disk < shutil.disk_usage(_existing()).free,
    )


def peak_memory(config: TuneConfig, material: Material[TrainingExample], machine: Machine) -> int:
    """Return the bytes that a run of ``config`` over the examples of ``material`` takes."""
    at_once = config.at_once(machine.device)
    training = material.examples.training
    return memory_bytes(
        config,
        material.base,
        machine,
        _heaviest([len(example.ids) for example in training], at_once),
        _heaviest([len(example.answer) for example in training], at_once),
    )


def _heaviest(lengths: Sequence[int], count: int) -> int:
    """Return the tokens of the heaviest of many draws of ``count`` samples: longer than most."""
    by_length = sorted(lengths)
    return count * by_length[int(0.9 * (len(by_length) - 1))]


def _spread(pace: Pace) -> float:
    if len(pace.probes) < 2:
        return 0.5
    return min(0.9, max(0.1, 1.645 * stdev(pace.probes) / mean(pace.probes)))


def _existing() -> Path:
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
    return Plan(machine, tuple(estimates), take, tuple(notes))
