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
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fencun import files
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.tune.config import TuneConfig, from_mapping
from fencun.tune.formats.export import check_fits
from fencun.tune.forward.decoder import Shape
from fencun.tune.llamafactory.program import find_llamafactory
from fencun.tune.llamafactory.project import OUTPUT, recipe, speech_of, write_project
from fencun.tune.lora import LoraAdapter
from fencun.tune.machine import look_around
from fencun.tune.preflight.cost import Cost
from fencun.tune.runs.loop import Look, Tick
from fencun.tune.runs.session import CONFIG, LOG, MANIFEST, Material, data_files, gather, provenance
from fencun.tune.runs.watch import spread_families

ENGINE = "llamafactory"
_TRAINER_LOG = "trainer_log.jsonl"
_PATIENCE_S = 15.0
_TIMING = "timing"
_TIMED_STEPS = 3

Tell = Callable[[Tick | Look], None]


def train(
    folder: Path, config: TuneConfig, *, given: dict[str, Any], tell: Tell = lambda _: None
) -> dict[str, Any]:
    """Train with LLaMA-Factory in ``folder``, or go on there; return the run's manifest.

    LLaMA-Factory knows no ``minutes``: they are turned into steps by a run of a few.

    Raises:
        FencunError: it is not installed, or it failed (with the last it said); the run is
            finished, or its base or data changed since it began.
    """
    if (folder / MANIFEST).exists():
        raise FencunError(
            f"{folder} 里的微调已经完成；换一个文件夹。",
            f"The run in {folder} is finished; choose another folder.",
        )
    if config.start:
        raise FencunError(
            "LLaMA-Factory 在这里不接着别的适配器训：去掉 start，或用 --engine fencun。",
            "LLaMA-Factory does not go on from an adapter here: leave out start, "
            "or use --engine fencun.",
        )
    program = find_llamafactory()
    _leave_no_child()
    begun = _begun(folder)
    config = from_mapping(begun["resolved"]) if begun else config
    started = time.monotonic()
    material = gather(config)
    config = config.replaced(data=material.data)
    if config.minutes and not begun:
        config = _within_budget(program, folder / _TIMING, config, material, started)
    facts = {"engine": ENGINE, **provenance(config, material, begun["given"] if begun else given)}
    if begun and (begun["base"], begun["data"]) != (facts["base"], facts["data"]):
        raise FencunError(
            f"{folder} 开始之后，底座或数据变了；请换一个文件夹重新开始。",
            f"Since the run in {folder} began, its base or data changed; start anew elsewhere.",
        )
    path = _write(folder, config, material)
    _drop_torn_checkpoints(folder / OUTPUT)
    files.write_json(folder / CONFIG, facts)
    with files.Appender(folder / LOG) as log:

        def record(event: Tick | Look) -> None:
            log.write({"kind": type(event).__name__.lower(), "at": time.time(), **asdict(event)})
            tell(event)

        _run(program, path.name, folder, _Mirror(folder / OUTPUT, config.batch, record))
    return _bring_back(folder, facts, material)


def _leave_no_child() -> None:
    """Let SIGTERM, too, end the trainer with us."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _begun(folder: Path) -> dict[str, Any] | None:
    path = folder / CONFIG
    if not path.exists():
        return None
    begun: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if begun.get("engine") != ENGINE:
        raise FencunError(
            f"{folder} 里是分寸自己的微调；换一个文件夹。",
            f"The run in {folder} is Fencun's own; choose another folder.",
        )
    return begun


def _write(folder: Path, config: TuneConfig, material: Material) -> Path:
    import torch

    machine = look_around()
    train_file, _ = data_files(config, material.scenario)
    by_id = {sample.id: sample for sample in read_samples(train_file, material.scenario)}
    training = [by_id[example.id] for example in material.training]
    unseen = [s for _, s in spread_families(material.validation, config.validation_samples)]
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
    program: Path, folder: Path, config: TuneConfig, material: Material, started: float
) -> TuneConfig:
    """Return ``config`` with the steps that end within its minutes, counted from ``started``.

    Three steps and a look are run and thrown away, starting and loading included: those come
    again.
    """
    shutil.rmtree(folder, ignore_errors=True)
    few = config.replaced(steps=_TIMED_STEPS, look=_TIMED_STEPS)
    path = _write(folder, few, material)
    began = time.monotonic()
    _run(program, path.name, folder, _Mirror(folder / OUTPUT, config.batch, lambda _: None))
    took = time.monotonic() - began
    state = (folder / OUTPUT / "trainer_state.json").read_text(encoding="utf-8")
    history = json.loads(state)["log_history"]
    training = next(row["train_runtime"] for row in history if "train_runtime" in row)
    look = next(row["eval_runtime"] for row in history if "eval_runtime" in row)
    shutil.rmtree(folder)
    cost = Cost(step=max(0.0, training - look) / _TIMED_STEPS, look=look)
    left = config.minutes * 60 - (time.monotonic() - started) - (took - training)
    most = config.steps or math.ceil(len(material.training) * config.epochs / config.batch)
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


def _bring_back(folder: Path, facts: dict[str, Any], material: Material) -> dict[str, Any]:
    try:
        adapter = LoraAdapter.load(folder / OUTPUT)
    except FencunError as error:
        raise FencunError(
            f"LLaMA-Factory 没有留下能用的适配器：{error.zh}",
            f"LLaMA-Factory left no usable adapter: {error.en}",
        ) from error
    check_fits(adapter, material.base)
    adapter.save(folder / "best", material.base.name)
    manifest = {
        **facts,
        "outcome": _outcome(folder / OUTPUT / "trainer_state.json"),
        "adapter_sha256": files.sha256_file(folder / "best" / "adapter_model.safetensors"),
        "parity": _parity(folder, adapter, material),
    }
    files.write_json(folder / MANIFEST, manifest)
    return manifest


def _parity(folder: Path, adapter: LoraAdapter, material: Material) -> dict[str, Any] | None:
    """Check that the engine says what was trained; None where the base is no GGUF."""
    if material.base.gguf is None:
        return None
    from fencun.tune.formats.deliver import parity_chats
    from fencun.tune.formats.export import export_gguf
    from fencun.tune.formats.parity import check_parity

    gguf = export_gguf(adapter, material.base, folder / "best" / "adapter.gguf")
    chats = parity_chats(material.scenario.name)
    return check_parity(
        material.base, material.tokenizer, chats, gguf=gguf, peft=folder / "best"
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
    """Tells what LLaMA-Factory logs in ``output`` as our own events; from where it stands now."""

    def __init__(self, output: Path, batch: int, tell: Tell) -> None:
        self._path = output / _TRAINER_LOG
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
            self._tell(Look(step=step, loss=float(row["eval_loss"])))
        elif "loss" in row:
            if self._first is None:
                self._first = step - 1
            each = (time.monotonic() - self._started) / max(1, step - self._first)
            self._tell(
                Tick(
                    step=step,
                    steps=steps,
                    loss=float(row["loss"]),
                    rate=float(row.get("lr", 0.0)),
                    samples_per_second=self._batch / max(each, 1e-9),
                    eta=(steps - step) * each,
                )
            )


def _outcome(path: Path) -> dict[str, Any]:
    """Return how it ended, from the trainer's state; the best checkpoint is what was kept."""
    state = json.loads(path.read_text(encoding="utf-8"))
    looks = [row for row in state["log_history"] if "eval_loss" in row]
    best = min(looks, key=lambda row: (row["eval_loss"], row["step"]))
    return {
        "steps": int(state["global_step"]),
        "best_step": int(best["step"]),
        "best_loss": best["eval_loss"],
        "stopped": None,
    }
