"""A run from end to end: open the base, read the data, resolve the options, go, write it down."""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from fencun import files
from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.home import home
from fencun.records import Sample
from fencun.retrieval import open_retriever
from fencun.scenario import Scenario, load_scenario
from fencun.tune.base import Base, open_base
from fencun.tune.config import TuneConfig, from_mapping
from fencun.tune.examples import Example, encode_all, shared_prefix
from fencun.tune.formats.export import check_fits
from fencun.tune.forward.decoder import Shape
from fencun.tune.forward.student import Student
from fencun.tune.forward.vocabulary import chinese_vocabulary
from fencun.tune.lora import LoraAdapter, weights_of, widths
from fencun.tune.machine import Machine, look_around, revision, versions
from fencun.tune.plainness import plainest
from fencun.tune.preflight.cost import measure_cost
from fencun.tune.runs.checkpoint import newest_checkpoint
from fencun.tune.runs.loop import Look, Run, Tick
from fencun.tune.runs.order import epoch_order
from fencun.tune.runs.watch import ScenarioWatcher, canary_examples

MANIFEST = "manifest.json"
CONFIG = "config.json"
LOG = "log.jsonl"
DATASET, PLAIN = "dataset", "plain"
# Up to three billion parameters or so: such a model takes over a voice, not its leaps.
_SMALL = 2.5e9


@dataclass(frozen=True)
class Material:
    """Everything that a run is made of, read and encoded."""

    base: Base
    tokenizer: Any
    scenario: Scenario
    training: list[Example]
    validation: list[tuple[Example, Sample]]
    dropped: list[str]
    hashes: dict[str, str]
    data: str


def gather(config: TuneConfig) -> Material:
    """Open the base and read the data that ``config`` names.

    Raises:
        FencunError: base or data are missing, malformed, or too little to learn from.
    """
    from transformers import AutoTokenizer

    scenario = load_scenario(config.scenario)
    if config.data or config.train or config.validation:
        data_files(config, scenario)  # what is missing is told before a base is opened
    base = find_base(config.base)
    config = config.replaced(data=data_of(config, scenario, base))
    train, validation = data_files(config, scenario)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    samples = read_samples(train, scenario)
    kept = read_samples(validation, scenario)
    _refuse_shared_families(samples, kept)
    encoding: dict[str, Any] = {"max_tokens": config.max_tokens}
    if config.retrieve == "on" or (config.retrieve == "auto" and config.data == PLAIN):
        encoding["retriever"] = open_retriever(scenario)
    training, dropped = encode_all(tokenizer, scenario, samples, **encoding)
    unseen, also = encode_all(tokenizer, scenario, kept, **encoding)
    by_id = {sample.id: sample for sample in kept}
    if config.plain < 1 and config.data != PLAIN:
        training = _plainest(training, samples, scenario, config.plain)
    if config.limit:
        order = epoch_order([e.stratum for e in training], seed=config.seed, epoch=0)
        training = [training[index] for index in order[: config.limit]]
    hashes = {"train": files.sha256_file(train), "validation": files.sha256_file(validation)}
    if config.start:
        weights = weights_of(Path(config.start)) / "adapter_model.safetensors"
        hashes["adapter"] = files.sha256_file(weights)
    return Material(
        base,
        tokenizer,
        scenario,
        training,
        [(example, by_id[example.id]) for example in unseen],
        dropped + also,
        hashes,
        config.data,
    )


def _plainest(
    training: list[Example], samples: Sequence[Sample], scenario: Scenario, share: float
) -> list[Example]:
    """Return the plainest ``share`` of every relation and length."""
    by_id = {sample.id: sample for sample in samples}
    briefs = [parse_brief(scenario, by_id[example.id].brief) for example in training]
    kept = plainest(
        [example.text for example in training],
        [brief.lines() for brief in briefs],
        [
            f"{example.stratum}/{brief.length.min if brief.length else 0}"
            for example, brief in zip(training, briefs, strict=True)
        ],
        share,
    )
    return [training[index] for index in kept]


def find_base(name: str) -> Base:
    """Return the base called ``name``: a path, a catalog name, or empty for the model in use."""
    path = Path(name).expanduser()
    if name and path.exists():
        return open_base(path)
    from fencun.models.installed import locate

    found = locate(name or None)
    return open_base(found.path, found.name)


def data_of(config: TuneConfig, scenario: Scenario, base: Base) -> str:
    """Return the folder of the scenario that ``base`` learns from, see :class:`TuneConfig`."""
    if config.data or config.train or config.validation:
        return config.data or DATASET
    shape = Shape.read(base.folder)
    small = 12 * shape.layers * shape.hidden**2 < _SMALL  # about the weights of its blocks
    return PLAIN if small and (scenario.folder / PLAIN).is_dir() else DATASET


def data_files(config: TuneConfig, scenario: Scenario) -> tuple[Path, Path]:
    """Return the training and the validation file; by default those of the scenario."""
    folder = scenario.folder / (config.data or DATASET)
    train = Path(config.train) if config.train else folder / "train.jsonl"
    validation = Path(config.validation) if config.validation else folder / "validation.jsonl"
    for path in (train, validation):
        if not path.is_file():
            raise FencunError(
                f"没有数据文件 {path}；先运行 fencun data build，或用 --train、--validation 指定。",
                f"There is no data file {path}; run fencun data build first, "
                "or name one with --train and --validation.",
            )
    return train, validation


def _refuse_shared_families(training: Sequence[Sample], validation: Sequence[Sample]) -> None:
    shared = {s.family for s in training} & {s.family for s in validation}
    if shared:
        raise FencunError(
            f"训练集和验证集有 {len(shared)} 个相同的种子家族（如 {min(shared)}），"
            "验证会失真；请按家族重新划分。",
            f"Training and validation share {len(shared)} seed families (such as {min(shared)}); "
            "validation would mean nothing. Split by family again.",
        )


def rounds(config: TuneConfig, machine: Machine) -> bool:
    """Return whether frozen products run in 8-bit integers."""
    return machine.device == "cpu" and (
        config.int8 == "on" or (config.int8 == "auto" and machine.int8)
    )


def build_student(config: TuneConfig, material: Material, machine: Machine) -> Student:
    """Load the base as ``config`` asks, with the hidden states of its lower blocks cached."""
    torch.set_num_threads(config.threads or machine.cores)
    shape = Shape.read(material.base.folder)
    first = shape.layers - config.layers if config.layers else 0
    if first < 0:
        raise FencunError(
            f"底座只有 {shape.layers} 层，layers 不能是 {config.layers}。",
            f"The base has {shape.layers} layers; layers cannot be {config.layers}.",
        )
    everything = [*material.training, *(example for example, _ in material.validation)]
    canary = canary_examples(material.tokenizer)
    prefix = shared_prefix([*everything, *canary])
    int8 = rounds(config, machine)
    wanted = None
    if config.vocabulary == "chinese":
        wanted = chinese_vocabulary(material.tokenizer, [*everything, *canary])
    facts = {"base": material.base.sha256, "first": first, "prefix": prefix}
    facts |= {"products": "int8" if int8 else "exact", "bf16": machine.bf16}
    return Student(
        material.base.folder,
        first,
        prefix,
        int8=int8,
        through_prompt=config.through_prompt,
        vocabulary=wanted,
        cache=home() / "cache" / "hidden" / files.sha256_json(facts)[:16] if first else None,
        dtype=torch.bfloat16 if machine.bf16 else torch.float32,
        device=machine.device,
    )


def resolve_steps(
    config: TuneConfig,
    material: Material,
    student: Student,
    adapter: LoraAdapter,
    started: float,
) -> TuneConfig:
    """Return ``config`` with its number of steps.

    A time budget is turned into steps here, before the first one, so that the run itself
    depends on no clock. It began to run at ``started`` (``time.monotonic``).
    """
    steps = config.steps or max(1, math.ceil(len(material.training) * config.epochs / config.batch))
    if config.minutes:
        validation = [example for example, _ in material.validation]
        cost = measure_cost(config, material.training, validation, student, adapter)
        left = config.minutes * 60 - (time.monotonic() - started)
        steps = cost.steps_within(left, config, steps)
    return config.replaced(steps=steps)


def tune(
    folder: Path,
    config: TuneConfig,
    *,
    given: dict[str, Any],
    tell: Callable[[Tick | Look], None] = lambda _: None,
) -> dict[str, Any]:
    """Start a run in ``folder``, or go on with the one that is there; return its manifest.

    ``given`` is what the user asked for, recorded beside what it was resolved to.

    Raises:
        FencunError: bad input, a finished run, or another base or data than the run began with.
    """
    if (folder / MANIFEST).exists():
        raise FencunError(
            f"{folder} 里的微调已经完成；换一个文件夹，或直接导出：fencun tune export。",
            f"The run in {folder} is finished; choose another folder, or export it.",
        )
    started = time.monotonic()
    material = gather(config)
    config = config.replaced(data=material.data)
    student = build_student(config, material, look_around())
    adapter = fresh_adapter(config, material.base)
    config = _settle(folder, config, material, student, adapter, given, started)
    watch = watcher(material, config)
    with recording(folder, tell) as record:
        run = Run(folder, config, student, adapter, material.training, watch, record)
        outcome = run.go()
    manifest = {
        **provenance(config, material, given),
        "outcome": asdict(outcome),
        "adapter_sha256": files.sha256_file(folder / "best" / "adapter_model.safetensors"),
    }
    files.write_json(folder / MANIFEST, manifest)
    return manifest


def watcher(material: Material, config: TuneConfig) -> ScenarioWatcher:
    """Return who looks at a run over ``material``."""
    return ScenarioWatcher(
        material.tokenizer,
        material.scenario,
        [example.text for example in material.training],
        material.validation,
        config,
    )


@contextmanager
def recording(
    folder: Path, tell: Callable[[Tick | Look], None]
) -> Iterator[Callable[[Tick | Look], None]]:
    """Yield a ``tell`` that also appends every event to the log of the run in ``folder``."""
    with files.Appender(folder / LOG) as log:

        def record(event: Tick | Look) -> None:
            log.write({"kind": type(event).__name__.lower(), "at": time.time(), **asdict(event)})
            tell(event)

        yield record


def fresh_adapter(config: TuneConfig, base: Base) -> LoraAdapter:
    """Return the adapter that a run of ``config`` starts with, where it runs; gradients on."""
    count = Shape.read(base.folder).layers
    layers = range(count - config.layers if config.layers else 0, count)
    if config.start:
        adapter = _begun_adapter(config, base, tuple(layers))
    else:
        adapter = LoraAdapter.fresh(
            widths(base.folder),
            rank=config.rank,
            alpha=config.alpha,
            layers=layers,
            seed=config.seed,
        )
    device = torch_device()
    adapter.tensors = {
        name: tensor.to(device).requires_grad_() for name, tensor in adapter.tensors.items()
    }
    return adapter


def _begun_adapter(config: TuneConfig, base: Base, layers: tuple[int, ...]) -> LoraAdapter:
    adapter = LoraAdapter.load(weights_of(Path(config.start)))
    check_fits(adapter, base)
    had = (adapter.rank, adapter.alpha, adapter.layers)
    if had != (config.rank, config.alpha, layers):
        raise FencunError(
            f"{config.start} 的秩、alpha 或层数（{had[0]}、{had[1]:g}、{len(had[2])}）"
            "和这次的配置不一样。",
            f"Rank, alpha or layers of {config.start} ({had[0]}, {had[1]:g}, {len(had[2])}) "
            "are not those of this run.",
        )
    return adapter


def _settle(
    folder: Path,
    config: TuneConfig,
    material: Material,
    student: Student,
    adapter: LoraAdapter,
    given: dict[str, Any],
    started: float,
) -> TuneConfig:
    """Resolve the steps and write the options down; of a run that goes on, check and reuse them."""
    if (folder / CONFIG).exists():
        begun = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        _refuse_changes(begun, material, folder)
        return from_mapping(begun["resolved"])
    config = resolve_steps(config, material, student, adapter, started)
    files.write_json(folder / CONFIG, provenance(config, material, given))
    return config


def _refuse_changes(begun: dict[str, Any], material: Material, folder: Path) -> None:
    changed = []
    if begun["base"]["sha256"] != material.base.sha256:
        changed.append(("底座模型", "the base model"))
    changed += [
        (name, name) for name, value in begun["data"].items() if material.hashes[name] != value
    ]
    if changed:
        zh, en = "、".join(z for z, _ in changed), ", ".join(e for _, e in changed)
        raise FencunError(
            f"{folder} 开始之后，{zh} 变了，接着训会得到说不清的结果；请换一个文件夹重新开始。",
            f"Since the run in {folder} began, {en} changed; start anew in another folder.",
        )


def provenance(config: TuneConfig, material: Material, given: dict[str, Any]) -> dict[str, Any]:
    """Return what a run was told and made of, as its manifest keeps it."""
    return {
        "base": {"name": material.base.name, "sha256": material.base.sha256},
        "scenario": material.scenario.name,
        "data": material.hashes,
        "samples": len(material.training),
        "dropped": material.dropped,
        "given": given,
        "resolved": config.to_json(),
        "machine": asdict(look_around()),
        "revision": revision(),
        "versions": versions(),
    }


def resume(folder: Path, tell: Callable[[Tick | Look], None] = lambda _: None) -> dict[str, Any]:
    """Go on with the run in ``folder``; where it was killed before its first checkpoint, restart.

    Raises:
        FencunError: no run was begun there, or it is finished.
    """
    if not (folder / CONFIG).exists():
        raise FencunError(f"{folder} 里没有开始过的微调。", f"No run was begun in {folder}.")
    begun = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    return tune(folder, from_mapping(begun["resolved"]), given=begun["given"], tell=tell)


def torch_device() -> str:
    """Return ``cuda`` or ``cpu``."""
    return look_around().device


def done_steps(folder: Path) -> int:
    """Return how many steps the newest whole checkpoint of ``folder`` holds; 0 without one."""
    checkpoint = newest_checkpoint(folder / "checkpoints")
    return checkpoint.step if checkpoint else 0
