"""Our own executor of a run: read, load, resolve the steps, begin, loop, finish."""

import math
import time
from typing import Any

from fencun.tune.config import TuneConfig
from fencun.tune.forward.decoder import Shape
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.machine import look_around
from fencun.tune.material import Material, gather
from fencun.tune.objectives.objective import Objective
from fencun.tune.preflight.cost import measure_pace
from fencun.tune.runs.events import Tell
from fencun.tune.runs.folder import RunFolder
from fencun.tune.runs.loading import build_student, starting_adapter
from fencun.tune.runs.loop import TrainingLoop
from fencun.tune.runs.request import RunRequest
from fencun.tune.runs.watch import Watcher


def train(folder: RunFolder, request: RunRequest, tell: Tell) -> dict[str, Any]:
    """Train in ``folder``, from the start or from its newest checkpoint; return the manifest.

    Raises:
        FencunError: bad input, or another base or data than the run began with.
    """
    started = time.monotonic()
    objective: Objective[Any] = request.objective
    material = gather(objective, request.config)
    if folder.has_begun:
        folder.begin(request.facts(material, request.config))
    student = build_student(material, look_around())
    adapter = starting_adapter(material.config, material.base)
    config = request.config
    if not folder.has_begun:
        config = resolve_steps(objective, material, student, adapter, started)
        folder.begin(request.facts(material, config))
    examples = objective.prepare(folder.path, material.examples, student, adapter)
    watch = Watcher(objective, material.tokenizer, material.scenario, examples)
    with folder.recording(tell) as record:
        loop = TrainingLoop(
            folder, config, objective, student, adapter, examples.training, watch, record
        )
        outcome = loop.go()
    best = LoraAdapter.load(folder.best)
    return folder.finish(outcome, **objective.results(student, examples.held, best))


def resolve_steps(
    objective: Objective[Any],
    material: Material[Any],
    student: Student,
    adapter: LoraAdapter,
    started: float,
) -> TuneConfig:
    """Return the options of ``material`` with their number of steps.

    A time budget is turned into steps here, before the first one, so that the run itself
    depends on no clock. It began to run at ``started`` (``time.monotonic``).
    """
    config = material.config
    count = len(material.examples.training)
    steps = config.steps or max(1, math.ceil(count * config.epochs / config.batch))
    if config.minutes:
        depth = Shape.read(material.base.folder).layers
        pace = measure_pace(objective, config, material.examples, student, adapter)
        cost = pace.cost(config, material.examples, depth)
        left = config.minutes * 60 - (time.monotonic() - started)
        steps = cost.steps_within(left, config, steps)
    return config.replaced(steps=steps)
