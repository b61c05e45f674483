"""A whole run on a tiny random base: what it leaves behind, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from run_case import done_steps, start

from fencun.errors import FencunError
from fencun.tune.config import TuneConfig
from fencun.tune.lora import LoraAdapter
from fencun.tune.runs import life
from fencun.tune.runs.events import Event, LookEvent, StepEvent
from fencun.tune.runs.loop import TrainingLoop
from fencun.tune.runs.request import RunRequest


def test_a_run_learns_and_writes_down_how(tmp_path: Path, config: TuneConfig) -> None:
    events: list[Event] = []
    out = tmp_path / "run"
    manifest = life.start(out, RunRequest(config, given={"preset": "mine"}), events.append)
    looks = [event for event in events if isinstance(event, LookEvent)]
    ticks = [event for event in events if isinstance(event, StepEvent)]
    assert [tick.step for tick in ticks] == list(range(1, 13))
    assert looks[-1].loss < looks[0].loss < ticks[0].loss
    assert manifest["given"] == {"preset": "mine"}
    assert manifest["resolved"]["steps"] == 12
    assert manifest["outcome"]["best_loss"] == min(look.loss for look in looks)
    assert json.loads((out / "manifest.json").read_text()) == manifest
    kept = LoraAdapter.load(out / "best")
    assert kept.layers == (1, 2)
    lines = (out / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines].count("look") == len(looks)


def test_a_finished_run_is_not_begun_again(tmp_path: Path, config: TuneConfig) -> None:
    start(tmp_path / "run", config.replaced(steps=1))
    with pytest.raises(FencunError, match="finished"):
        life.resume(tmp_path / "run")
    with pytest.raises(FencunError, match="已经完成"):
        start(tmp_path / "run", config)


def test_a_run_that_was_begun_is_resumed_not_started_with_other_options(
    tmp_path: Path, config: TuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_after(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path / "run", config)
    with pytest.raises(FencunError, match=f"fencun tune resume {tmp_path / 'run'}"):
        start(tmp_path / "run", config.replaced(rank=4))
    with pytest.raises(FencunError, match="没有开始过"):
        life.resume(tmp_path / "elsewhere")


def test_resume_refuses_other_data(
    tmp_path: Path, config: TuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_after(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path / "run", config)
    assert done_steps(tmp_path / "run") == 4
    monkeypatch.undo()
    train = Path(config.train)
    train.write_text("".join(train.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(FencunError, match="train 变了"):
        life.resume(tmp_path / "run")


def test_resume_ends_where_an_uninterrupted_run_does(
    tmp_path: Path, config: TuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = str(tmp_path / "home")
    monkeypatch.setenv("FENCUN_HOME", home)
    whole = start(tmp_path / "whole", config)
    _stop_after(monkeypatch, 6)
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path / "cut", config)
    monkeypatch.undo()
    monkeypatch.setenv("FENCUN_HOME", home)
    resumed = life.resume(tmp_path / "cut")
    assert resumed["adapter_sha256"] == whole["adapter_sha256"]
    assert resumed["outcome"] == whole["outcome"]


def _stop_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    learn = TrainingLoop._learn

    def stopping(self: TrainingLoop[Any]) -> tuple[float, float]:
        if self.step == steps:
            raise KeyboardInterrupt
        return learn(self)

    monkeypatch.setattr(TrainingLoop, "_learn", stopping)
