"""What tests of runs share: the options of a run of seconds, its material, its start."""

from pathlib import Path
from typing import Any

from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample
from fencun.tune.material import Material, gather
from fencun.tune.objectives.sft import Sft
from fencun.tune.runs import life
from fencun.tune.runs.checkpoint import newest_checkpoint
from fencun.tune.runs.events import Tell, silently
from fencun.tune.runs.request import RunRequest


def read(config: TuneConfig) -> Material[TrainingExample]:
    return gather(Sft(), config)


def start(folder: Path, config: TuneConfig, tell: Tell = silently) -> dict[str, Any]:
    return life.start(folder, RunRequest(config), tell)


def done_steps(folder: Path) -> int:
    checkpoint = newest_checkpoint(folder / "checkpoints")
    return checkpoint.step if checkpoint else 0
