"""The same recipe on a bigger base: its options, the commands in their order, and running them.

A small base learns from the plain lines; a bigger one carries what the flagship data leaps
over, so it learns from those. Where this machine has no room to tune it, the very same options
and data go to LLaMA-Factory.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from fencun import files
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.language import say
from fencun.models.catalog import catalog
from fencun.models.installed import path_of
from fencun.models.larger_bases import billions
from fencun.scenario import load_scenario, reference
from fencun.tune.base import find_base
from fencun.tune.config import DATASET, PRESETS, TuneConfig, from_mapping
from fencun.tune.formats.export import export
from fencun.tune.llamafactory import project
from fencun.tune.machine import Machine, look_around
from fencun.tune.preflight.sizes import memory_bytes
from fencun.tune.runs.events import Tell, silently
from fencun.tune.runs.life import start
from fencun.tune.runs.loading import rounds
from fencun.tune.runs.request import request_run
from fencun.tune.training_files import data_files

Engine = Literal["fencun", "llamafactory"]
RECIPE, RUN, ADAPTER, PROJECT = "recipe.yaml", "run", "adapter", "llamafactory"
_TOLD = ("rank", "alpha", "rate", "warmup", "batch", "epochs")
_ROOM = 0.9  # share of the memory that a run may take


@dataclass(frozen=True)
class Recipe:
    """What is tuned how, and where it is written.

    ``base`` is a catalog name or a path, ``hub`` what LLaMA-Factory loads. ``memory`` is what
    a run here takes, reckoned in bytes; ``room`` what the machine has, of its GPU if any.
    """

    base: str
    hub: str
    engine: Engine
    options: dict[str, Any]
    folder: Path
    memory: int
    room: int

    @property
    def config(self) -> TuneConfig:
        """The options, resolved."""
        return from_mapping(self.options)

    @property
    def fits(self) -> bool:
        """Whether this machine has room for such a run."""
        return self.memory <= _ROOM * self.room


def make_recipe(
    base: str,
    folder: Path,
    *,
    scenario: str = "",
    preset: str = "full",
    engine: str = "auto",
) -> Recipe:
    """Return the recipe for ``base``; "auto" tunes here where there is room for it.

    Raises:
        FencunError: there is no such base, preset or engine.
    """
    for wanted, known in ((preset, tuple(PRESETS)), (engine, ("auto", "fencun", PROJECT))):
        if wanted not in known:
            raise FencunError(
                f"没有“{wanted[:24]}”；可选：{'、'.join(known)}。",
                f"There is no {wanted[:24]!r}; choose from {', '.join(known)}.",
            )
    own = Path(base).expanduser()
    name = str(own.resolve()) if own.exists() else catalog().find(base).name
    told = reference(load_scenario(scenario).folder)
    options = {"base": name, "scenario": told, "data": DATASET}
    options |= PRESETS[preset]  # type: ignore[index]
    config = from_mapping(options)
    options |= {key: getattr(config, key) for key in _TOLD}
    machine = look_around()
    memory = _memory(name, config, machine)
    room = machine.gpu_memory if machine.device == "cuda" else machine.memory
    here: Engine = "fencun" if memory <= _ROOM * room else "llamafactory"
    chosen: Engine = here if engine == "auto" else engine  # type: ignore[assignment]
    hub = name if own.exists() else catalog().find(base).repository.removesuffix("-GGUF")
    return Recipe(name, hub, chosen, options, folder, memory, room)


def _memory(base: str, config: TuneConfig, machine: Machine) -> int:
    """Return the bytes that a run takes, from the shape of the base or, not fetched, its size."""
    if Path(base).exists() or path_of(catalog().find(base)).is_file():
        tokens = config.at_once(machine.device) * config.max_tokens
        return memory_bytes(config, find_base(base), machine, tokens, tokens // 2)
    weights = 2e9 * billions(catalog().find(base))
    held = weights if machine.bf16 or rounds(config, machine) else 2 * weights
    return int(held * 1.2 + (2 << 30))


def write_recipe(recipe: Recipe) -> Path:
    """Write the options, and for LLaMA-Factory its project; return the file of options.

    Raises:
        FencunError: other options are there, or the data cannot be read.
    """
    path = recipe.folder / RECIPE
    text = yaml.safe_dump(recipe.options, sort_keys=False, allow_unicode=True)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise FencunError(
            f"{path} 里是别的配方，没有动它；换一个 --out。",
            f"{path} holds another recipe and was left alone; choose another --out.",
        )
    if recipe.engine == "llamafactory":
        scenario, config = load_scenario(recipe.config.scenario), recipe.config
        train, validation = (read_samples(p, scenario) for p in data_files(config, scenario))
        options = project.recipe(config, recipe.hub, _speech(recipe), samples=len(train))
        project.write_project(recipe.folder / PROJECT, scenario, (train, validation), options)
    files.write_text(path, text)
    return path


def _speech(recipe: Recipe) -> project.Speech:
    if not Path(recipe.hub).is_dir():
        return project.speech_named(recipe.hub)
    from transformers import AutoTokenizer

    return project.speech_of(AutoTokenizer.from_pretrained(recipe.hub))


def commands(recipe: Recipe) -> list[str]:
    """Return what is typed, in its order: fetch, train, export, answer, read."""
    own = Path(recipe.base).exists()
    run, adapter, sheet = (_typed(recipe.folder / n) for n in (RUN, ADAPTER, "sheet.jsonl"))
    base, study = shlex.quote(recipe.base), _typed(recipe.folder / "study")
    scene = f"--scenario {shlex.quote(recipe.config.scenario)}"  # a default would win over a file
    lines = [] if own else [f"fencun model fetch {base}"]
    if recipe.engine == "fencun":
        config = _typed(recipe.folder / RECIPE)
        lines.append(f"fencun tune run --preset full --config {config} --out {run} {scene}")
        lines.append(f"fencun tune export {run} --out {adapter} --format {_format(recipe)} {scene}")
    else:
        there = recipe.folder / PROJECT
        lines.append(say("# 三行选一，在有显卡的机器上：", "# One of these, where the GPUs are:"))
        lines += [f"cd {_typed(there)} && {line}" for line in project.commands()]
        lines.append(
            f"fencun tune export {_typed(there / project.OUTPUT)} --base {base} --out {adapter} "
            f"--format {_format(recipe)} {scene}"
        )
    if _format(recipe) == "gguf":
        arms = f"--arms prompt,tuned --adapter {adapter} --out {study} {scene}"
        lines.append(f"FENCUN_MODEL={base} fencun eval run {arms}")
        lines.append(f"fencun eval read sheet --study {study} --out {sheet} {scene}")
    return lines


def _typed(path: Path) -> str:
    return shlex.quote(str(path))


def _format(recipe: Recipe) -> str:
    """A folder of weights was never a GGUF, so its adapter is none either."""
    return "peft" if Path(recipe.base).is_dir() else "gguf"


def run_recipe(recipe: Recipe, tell: Tell = silently) -> dict[str, Any]:
    """Train by the recipe on this machine and export the adapter; return the run's manifest.

    Raises:
        FencunError: the base is not fetched, a run was begun there before, LLaMA-Factory is
            asked for and not installed, or the export does not hold.
    """
    request = request_run(preset="full", engine=recipe.engine, config=write_recipe(recipe))
    manifest = start(recipe.folder / RUN, request, tell)
    export(recipe.folder / RUN, recipe.folder / ADAPTER, _format(recipe))
    return manifest
