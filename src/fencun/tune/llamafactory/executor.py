"""Run LLaMA-Factory where it is installed, and bring its adapter back as one of our own runs.

The run's folder holds what an own run holds (config.json, log.jsonl, best/, manifest.json), so
watching, exporting and comparing need not know who trained; what it said is in output.log.
"""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.tune.compatibility import check_fits
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample
from fencun.tune.forward.decoder import Shape
from fencun.tune.llamafactory.program import find_llamafactory
from fencun.tune.llamafactory.project import OUTPUT, recipe, speech_of, write_project
from fencun.tune.lora import LoraAdapter
from fencun.tune.machine import look_around
from fencun.tune.material import Material, gather
from fencun.tune.preflight.cost import Cost
from fencun.tune.runs.events import LookEvent, RunOutcome, StepEvent, Tell, silently
from fencun.tune.runs.folder import RunFolder
from fencun.tune.runs.request import RunRequest
from fencun.tune.training_files import data_files

_TRAINER_LOG = "trainer_log.jsonl"
_PATIENCE_S = 15.0
_TIMING = "timing"
_TIMED_STEPS = 3


def train(folder: RunFolder, request: RunRequest, tell: Tell) -> dict[str, Any]:
    """Train with LLaMA-Factory in ``folder``, or go on there; return the run's manifest.

    LLaMA-Factory knows no ``minutes``: they are turned into steps by a run of a few.

    Raises:
        FencunError: it is not installed, or it failed (with the last it said); its base or
            data changed since it began.
    """
    if request.config.start:
        raise FencunError(
            "LLaMA-Factory 在这里不接着别的适配器训：去掉 start，或用 --engine fencun。",
            "LLaMA-Factory does not go on from an adapter here: leave out start, "
            "or use --engine fencun.",
        )
    program = find_llamafactory()
    _leave_no_child()
    started = time.monotonic()
    material = gather(request.objective, request.config)
    config = material.config
    if config.minutes and not folder.has_begun:
        config = _within_budget(program, folder.path / _TIMING, material, started)
    folder.begin(request.facts(material, config))
    recipe_name = _write(folder.path, config, material).name
    _drop_torn_checkpoints(folder.path / OUTPUT)
    with folder.recording(tell) as record:
        _run(program, recipe_name, folder.path, _Mirror(folder.path, config.batch, record))
    adapter = _bring_back(folder, material)
    outcome = _outcome(folder.path / OUTPUT / "trainer_state.json")
    return folder.finish(outcome, parity=_parity(folder, adapter, material))


def _leave_no_child() -> None:
    """Let SIGTERM, too, end the trainer with us."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _write(folder: Path, config: TuneConfig, material: Material[TrainingExample]) -> Path:
    import torch

    machine = look_around()
    paths = data_files(config, material.scenario)
    by_id = {s.id: s for path in paths for s in read_samples(path, material.scenario)}
    training = [by_id[example.id] for example in material.examples.training]
    unseen = [by_id[example.id] for example in material.examples.held]
    options = recipe(
        config,
        str(material.base.folder.resolve()),
        speech_of(material.tokenizer),
        samples=len(training),
        depth=Shape.read(material.base.folder).layers,
        cpu=machine.device == "cpu",
        bf16=machine.bf16,
    )
    gpus = torch.cuda.device_count()
    return write_project(folder, material.scenario, (training, unseen), options, gpus=gpus)


def _within_budget(
    program: Path, folder: Path, material: Material[TrainingExample], started: float
) -> TuneConfig:
    """Return the options with the steps that end within their minutes, counted from ``started``.

    Three steps and a look are run and thrown away, starting and loading included: those come
    again.
    """
    shutil.rmtree(folder, ignore_errors=True)
    config = material.config
    few = config.replaced(steps=_TIMED_STEPS, look=_TIMED_STEPS)
    path = _write(folder, few, material)
    began = time.monotonic()
    _run(program, path.name, folder, _Mirror(folder, config.batch, silently))
    took = time.monotonic() - began
    state = (folder / OUTPUT / "trainer_state.json").read_text(encoding="utf-8")
    history = json.loads(state)["log_history"]
    training = next(row["train_runtime"] for row in history if "train_runtime" in row)
    look = next(row["eval_runtime"] for row in history if "eval_runtime" in row)
    shutil.rmtree(folder)
    cost = Cost(step=max(0.0, training - look) / _TIMED_STEPS, look=look)
    left = config.minutes * 60 - (time.monotonic() - started) - (took - training)
    count = len(material.examples.training)
    most = config.steps or math.ceil(count * config.epochs / config.batch)
    return config.replaced(steps=cost.steps_within(left, config, most))


def _drop_torn_checkpoints(output: Path) -> None:
    """Leave the newest checkpoint that LLaMA-Factory can go on from, and what is older.

    It would take one that it was killed in (``trainer_state.json`` is written last), and of
    one at the last step it would take a step too many.
    """
    states: dict[Path, dict[str, Any]] = {}
    for checkpoint in output.glob("checkpoint-*"):
        try:
            text = (checkpoint / "trainer_state.json").read_text(encoding="utf-8")
            states[checkpoint] = json.loads(text)
        except (OSError, ValueError):
            shutil.rmtree(checkpoint)
    ended = [path for path, state in states.items() if state["global_step"] >= state["max_steps"]]
    if len(ended) < len(states):
        for checkpoint in ended:
            shutil.rmtree(checkpoint)


def _bring_back(folder: RunFolder, material: Material[TrainingExample]) -> LoraAdapter:
    try:
        adapter = LoraAdapter.load(folder.path / OUTPUT)
    except FencunError as error:
        raise FencunError(
            f"LLaMA-Factory 没有留下能用的适配器：{error.zh}",
            f"LLaMA-Factory left no usable adapter: {error.en}",
        ) from error
    check_fits(adapter, material.base)
    adapter.save(folder.best, material.base.name)
    return adapter


def _parity(
    folder: RunFolder, adapter: LoraAdapter, material: Material[TrainingExample]
) -> dict[str, Any] | None:
    """Check that the engine says what was trained; None where the base is no GGUF."""
    if material.base.gguf is None:
        return None
    from fencun.tune.formats.export import parity_chats
    from fencun.tune.formats.gguf import export_gguf
    from fencun.tune.formats.parity import check_parity

    gguf = export_gguf(adapter, material.base, folder.best / "adapter.gguf")
    chats = parity_chats(material.config)
    return check_parity(
        material.base, material.tokenizer, chats, gguf=gguf, peft=folder.best
    ).to_json()


def _run(program: Path, path: str, folder: Path, mirror: "_Mirror") -> None:
    """Run the trainer to its end; its output goes to output.log, its numbers to ``mirror``."""
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    with (folder / "output.log").open("ab") as output:
        started = output.tell()
        process = subprocess.Popen(
            [str(program), "train", path],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        while (code := _wait(process, 1.0)) is None:
            mirror.catch_up()
        mirror.catch_up()
    except BaseException:
        process.terminate()
        if _wait(process, _PATIENCE_S) is None:
            process.kill()
            process.wait()
        raise
    if code:
        said = (folder / "output.log").read_bytes()[started:].decode(errors="replace")[-800:]
        raise FencunError(
            f"LLaMA-Factory 出错退出（{code}）。全部输出在 {folder / 'output.log'}，"
            f"最后说的是：{said}",
            f"LLaMA-Factory failed ({code}). All it said is in {folder / 'output.log'}; "
            f"the end of it: {said}",
        )


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


class _Mirror:
    """Tells what LLaMA-Factory logs in ``folder`` as our own events; from where it stands now."""

    def __init__(self, folder: Path, batch: int, tell: Tell) -> None:
        self._path = folder / OUTPUT / _TRAINER_LOG
        self._batch, self._tell = batch, tell
        self._place = self._path.stat().st_size if self._path.exists() else 0
        self._started = time.monotonic()
        self._first: int | None = None

    def catch_up(self) -> None:
        """Tell the whole lines that came since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._place)
            for line in file:
                if line.endswith(b"\n"):
                    self._place += len(line)
                    self._one(json.loads(line))

    def _one(self, row: dict[str, Any]) -> None:
        step, steps = int(row["current_steps"]), int(row["total_steps"])
        if "eval_loss" in row:
            self._tell(LookEvent(step=step, loss=float(row["eval_loss"])))
        elif "loss" in row:
            if self._first is None:
                self._first = step - 1
            each = (time.monotonic() - self._started) / max(1, step - self._first)
            self._tell(
                StepEvent(
                    step=step,
                    steps=steps,
                    loss=float(row["loss"]),
                    rate=float(row.get("lr", 0.0)),
                    samples_per_second=self._batch / max(each, 1e-9),
                    eta=(steps - step) * each,
                )
            )


def _outcome(path: Path) -> RunOutcome:
    """Return how it ended, from the trainer's state; the best checkpoint is what was kept."""
    state = json.loads(path.read_text(encoding="utf-8"))
    looks = [row for row in state["log_history"] if "eval_loss" in row]
    best = min(looks, key=lambda row: (row["eval_loss"], row["step"]))
    return RunOutcome(int(state["global_step"]), int(best["step"]), best["eval_loss"], None)
