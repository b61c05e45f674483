"""Peers that live in environments of their own: LLaMA-Factory, and TRL, each a subprocess.

Both train over the same batches in the same order; what is measured is the time between the
ends of their steps, so starting and loading do not count, nor does the first step.
"""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from fencun import files
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample
from fencun.tune.forward.decoder import PROJECTIONS, Shape
from fencun.tune.llamafactory.program import find_llamafactory
from fencun.tune.llamafactory.project import OUTPUT, recipe, speech_of, write_project
from fencun.tune.machine import look_around
from fencun.tune.material import Material
from fencun.tune.training_files import data_files

Batches = Sequence[Sequence[TrainingExample]]
_POLL_S = 0.02
_TRL = Path(__file__).with_name("trl_sft.py")


class MissingError(Exception):
    """The peer is not installed here, or cannot run; says which and why."""


def llamafactory(
    config: TuneConfig, material: Material[TrainingExample], batches: Batches, folder: Path
) -> tuple[list[float], float]:
    """Return the seconds of every batch but the first, and the loss of the first.

    Its best setting on a CPU: bf16 where there are units for it, nothing computed twice
    (gradient checkpointing off), batches of like length.
    """
    try:
        program = find_llamafactory()
    except FencunError as error:
        raise MissingError(error.en) from error
    machine = look_around()
    options = recipe(
        config, str(material.base.folder.resolve()), speech_of(material.tokenizer),
        samples=sum(map(len, batches)), depth=Shape.read(material.base.folder).layers,
        cpu=machine.device == "cpu", bf16=machine.bf16,
    )  # fmt: skip
    for key in ("eval_dataset", "metric_for_best_model", "greater_is_better", "eval_steps"):
        del options[key]
    options |= {
        "eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False,
        "max_steps": len(batches), "disable_shuffling": True,
        "disable_gradient_checkpointing": True, "lr_scheduler_type": "constant",
    }  # fmt: skip
    path, _ = data_files(config, material.scenario)
    by_id = {sample.id: sample for sample in read_samples(path, material.scenario)}
    samples = [by_id[example.id] for batch in batches for example in batch]
    write_project(folder, material.scenario, (samples, samples[:1]), options)
    arrivals = _lines(
        [str(program), "train", "sft.yaml"], folder, folder / OUTPUT / "trainer_log.jsonl"
    )
    steps = [(at, row) for at, row in arrivals if "loss" in row]
    between = [after[0] - before[0] for before, after in pairwise(steps)]
    return between, float(steps[0][1]["loss"])


def trl(
    config: TuneConfig, material: Material[TrainingExample], batches: Batches, folder: Path
) -> tuple[list[float], float]:
    """Return the seconds of every batch but the first, and the loss of the first."""
    work = {
        "folder": str(material.base.folder.resolve()), "random": False, "rank": config.rank,
        "alpha": int(config.alpha), "rate": config.rate, "batch": config.batch,
        "bf16": look_around().bf16, "targets": list(PROJECTIONS),
    }  # fmt: skip
    done = trl_seconds(work, [example for batch in batches for example in batch], folder)
    return done["seconds"], float(done["losses"][0])


def trl_seconds(
    work: dict[str, Any], examples: Sequence[TrainingExample], folder: Path
) -> dict[str, Any]:
    """Run ``trl_sft.py`` over ``examples`` in their order; return what it wrote.

    Raises:
        MissingError: there is no TRL, or it failed.
    """
    rows = [
        {
            "input_ids": [*example.prompt, *example.answer],
            "completion_mask": [0] * len(example.prompt) + [1] * len(example.answer),
        }
        for example in examples
    ]
    python = _python_with_trl()
    files.write_json(folder / "work.json", {**work, "rows": rows})
    _lines([str(python), str(_TRL), "work.json", "done.json"], folder, folder / "none")
    done: dict[str, Any] = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    return done


def _python_with_trl() -> Path:
    """Return a Python that has TRL: ``FENCUN_TRL``, or the one LLaMA-Factory brought it to."""
    named = os.environ.get("FENCUN_TRL", "").strip()
    try:
        python = Path(named) if named else find_llamafactory().with_name("python")
    except FencunError as error:
        raise MissingError("TRL was not found: it comes with scripts/setup-llamafactory") from error
    has = [python, "-c", "from importlib.util import find_spec as f; exit(f('trl') is None)"]
    if not python.is_file() or subprocess.run(has, check=False).returncode:
        raise MissingError(f"{python} has no TRL; name one that has it in FENCUN_TRL")
    return python


def _lines(command: list[str], folder: Path, log: Path) -> list[tuple[float, dict[str, Any]]]:
    """Run ``command`` in ``folder``; return the JSON lines of ``log``, each with when it came."""
    folder.mkdir(parents=True, exist_ok=True)
    found: list[tuple[float, dict[str, Any]]] = []
    said = folder / "output.log"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        place = 0
        while True:
            ended = process.poll() is not None
            if log.exists():
                with log.open("rb") as file:
                    file.seek(place)
                    for line in file:
                        if line.endswith(b"\n"):
                            place += len(line)
                            found.append((time.perf_counter(), json.loads(line)))
            if ended:
                break
            time.sleep(_POLL_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise MissingError(
            f"failed ({process.returncode}): {said.read_text(errors='replace')[-600:]}"
        )
    return found
