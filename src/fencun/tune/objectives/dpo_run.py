"""A DPO run from end to end, on the loop, checkpoints and looks of every other run."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from fencun import files
from fencun.errors import FencunError
from fencun.tune.config import TuneConfig, from_mapping
from fencun.tune.formats.deliver import run_facts
from fencun.tune.formats.export import check_fits
from fencun.tune.forward.decoder import Shape
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter, weights_of
from fencun.tune.machine import look_around, revision, versions
from fencun.tune.objectives.dpo import (
    Pair,
    PairStudent,
    PreferenceRun,
    PreferenceWatcher,
    Taste,
    hold_out,
    margins,
    read_pairs,
    with_reference,
)
from fencun.tune.runs.loop import Look, Outcome, Tick
from fencun.tune.runs.session import (
    CONFIG,
    MANIFEST,
    Material,
    build_student,
    gather,
    recording,
    watcher,
)

METHOD = "dpo"
# A small rate and one pass: preferences are few, and the voice is there already.
DEFAULTS: dict[str, Any] = {"rate": 2e-5, "epochs": 1.0, "warmup": 4, "look": 10, "patience": 2}
_REFERENCE = "reference.json"


@dataclass(frozen=True)
class Preference:
    """What a DPO run has beside a :class:`TuneConfig`: the adapter it starts from, the pairs."""

    adapter: str
    pairs: str
    taste: Taste = field(default_factory=Taste)

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {"adapter": self.adapter, "pairs": self.pairs, **asdict(self.taste)}


def prefer(
    folder: Path,
    config: TuneConfig,
    preference: Preference,
    *,
    given: dict[str, Any],
    tell: Callable[[Tick | Look], None] = lambda _: None,
) -> dict[str, Any]:
    """Start a DPO run in ``folder``, or go on with the one that is there; return its manifest.

    Rank and layers are those of the starting adapter; so is the base, where none is named.

    Raises:
        FencunError: bad input, a finished run, or other inputs than the run began with.
    """
    if (folder / MANIFEST).exists():
        raise FencunError(
            f"{folder} 里的微调已经完成；换一个文件夹。",
            f"The run in {folder} is finished; choose another folder.",
        )
    adapter = LoraAdapter.load(weights_of(Path(preference.adapter)))
    config = _for_adapter(config, adapter, Path(preference.adapter))
    material = gather(config)
    check_fits(adapter, material.base)
    config = _of_its_layers(config, adapter, material)
    pairs = read_pairs(
        Path(preference.pairs),
        material.tokenizer,
        material.scenario,
        max_tokens=config.max_tokens,
    )
    learnt, held = hold_out(pairs)
    config = config.replaced(
        steps=config.steps or max(1, math.ceil(len(learnt) * config.epochs / config.batch))
    )
    facts = _facts(config, preference, material, given, len(learnt))
    config = _settle(folder, config, facts)
    texts = [*pairs, *(pair.rejected for pair in pairs)]
    student = build_student(config, replace(material, training=texts), look_around())
    reference = _reference(folder, student, pairs, adapter)
    judge = PairStudent(student, preference.taste)
    watch = watcher(material, config)
    with recording(folder, tell) as record:
        run = PreferenceRun(
            folder,
            config,
            cast(Student, judge),
            adapter,
            with_reference(learnt, reference),
            PreferenceWatcher(watch, judge, with_reference(held, reference)),
            record,
        )
        outcome = run.go()
    after = margins(student, held, LoraAdapter.load(folder / "best"))
    margin = {"before": _mean([reference[pair.id] for pair in held]), "after": _mean(after)}
    return _finish(folder, outcome, margin)


def _finish(folder: Path, outcome: Outcome, margin: dict[str, float]) -> dict[str, Any]:
    manifest = {
        **_read(folder / CONFIG),
        "outcome": asdict(outcome),
        "adapter_sha256": files.sha256_file(folder / "best" / "adapter_model.safetensors"),
        "margin": margin,
    }
    files.write_json(folder / MANIFEST, manifest)
    return manifest


def go_on(folder: Path, tell: Callable[[Tick | Look], None] = lambda _: None) -> dict[str, Any]:
    """Go on with the DPO run in ``folder``."""
    begun = _read(folder / CONFIG)
    kept = begun["preference"]
    taste = Taste(kept["beta"], kept["sft"])
    preference = Preference(kept["adapter"], kept["pairs"], taste)
    config = from_mapping(begun["resolved"])
    return prefer(folder, config, preference, given=begun["given"], tell=tell)


def _for_adapter(config: TuneConfig, adapter: LoraAdapter, folder: Path) -> TuneConfig:
    facts = run_facts(folder)
    base = facts.get("resolved", {}).get("base") or facts.get("base", "")
    return config.replaced(
        base=config.base or (base if isinstance(base, str) else ""),
        rank=adapter.rank,
        alpha=adapter.alpha,
    )


def _of_its_layers(config: TuneConfig, adapter: LoraAdapter, material: Material) -> TuneConfig:
    depth = Shape.read(material.base.folder).layers
    if adapter.layers != tuple(range(min(adapter.layers), depth)):
        raise FencunError(
            "只能接着训练最上面连续几层的适配器。",
            "Only an adapter of the uppermost layers, without gaps, can be tuned on.",
        )
    return config.replaced(layers=len(adapter.layers))


def _facts(
    config: TuneConfig,
    preference: Preference,
    material: Material,
    given: dict[str, Any],
    count: int,
) -> dict[str, Any]:
    weights = weights_of(Path(preference.adapter)) / "adapter_model.safetensors"
    data = {"pairs": files.sha256_file(Path(preference.pairs))}
    return {
        "method": METHOD,
        "base": {"name": material.base.name, "sha256": material.base.sha256},
        "scenario": material.scenario.name,
        "data": {**data, "adapter": files.sha256_file(weights)},
        "samples": count,
        "preference": preference.to_json(),
        "given": given,
        "resolved": config.to_json(),
        "machine": asdict(look_around()),
        "revision": revision(),
        "versions": versions(),
    }


def _settle(folder: Path, config: TuneConfig, facts: dict[str, Any]) -> TuneConfig:
    """Write down how the run began; of one that goes on, check that nothing changed."""
    if not (folder / CONFIG).exists():
        files.write_json(folder / CONFIG, facts)
        return config
    begun = _read(folder / CONFIG)
    if any(begun.get(key) != facts[key] for key in ("method", "base", "data", "preference")):
        raise FencunError(
            f"{folder} 开始之后，底座、适配器、偏好对或选项变了；请换一个文件夹重新开始。",
            f"Since the run in {folder} began, its base, adapter, pairs or options changed; "
            "start anew in another folder.",
        )
    return from_mapping(begun["resolved"])


def _reference(
    folder: Path, student: Student, pairs: Sequence[Pair], adapter: LoraAdapter
) -> dict[str, float]:
    """Return the starting adapter's margin of every pair: computed once, then read."""
    path = folder / _REFERENCE
    if not path.exists():
        found = margins(student, pairs, adapter)
        files.write_json(path, {pair.id: margin for pair, margin in zip(pairs, found, strict=True)})
    return cast(dict[str, float], _read(path))


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
