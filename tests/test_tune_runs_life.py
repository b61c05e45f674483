"""A whole run on a tiny random base: what it leaves behind, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tune_tiny import tiny_base, tiny_dataset

from fencun.errors import FencunError
from fencun.files import sha256_json
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import Example
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.material import Material, gather
from fencun.tune.objectives.sft import Sft
from fencun.tune.runs import life
from fencun.tune.runs.checkpoint import newest_checkpoint
from fencun.tune.runs.events import Event, Look, Tell, Tick, silently
from fencun.tune.runs.loop import TrainingLoop
from fencun.tune.runs.request import RunRequest

BRIEF = ("salutation", "relation", "detail", "occasion", "style", "length")


@pytest.fixture
def config(tmp_path: Path, scenario: Scenario) -> TuneConfig:
    tiny_base(tmp_path / "base")
    tiny_dataset(tmp_path, scenario)
    return TuneConfig(
        base=str(tmp_path / "base"), train=str(tmp_path / "train.jsonl"),
        validation=str(tmp_path / "validation.jsonl"), layers=2, rank=2, rate=1e-2, warmup=2,
        batch=4, steps=12, look=4, briefs=1, validation_samples=4, checkpoint=4, threads=1,
    )  # fmt: skip


def start(folder: Path, config: TuneConfig, tell: Tell = silently) -> dict[str, Any]:
    return life.start(folder, RunRequest(config), tell)


def read(config: TuneConfig) -> Material[Example]:
    return gather(Sft(), config)


def done_steps(folder: Path) -> int:
    checkpoint = newest_checkpoint(folder / "checkpoints")
    return checkpoint.step if checkpoint else 0


def test_a_run_learns_and_writes_down_how(tmp_path: Path, config: TuneConfig) -> None:
    events: list[Event] = []
    out = tmp_path / "run"
    manifest = life.start(out, RunRequest(config, given={"preset": "mine"}), events.append)
    looks = [event for event in events if isinstance(event, Look)]
    ticks = [event for event in events if isinstance(event, Tick)]
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


def test_a_run_goes_on_from_the_adapter_of_another(tmp_path: Path, config: TuneConfig) -> None:
    first = start(tmp_path / "first", config)
    events: list[Event] = []
    second = config.replaced(start=str(tmp_path / "first"), steps=2, rate=1e-9)
    manifest = start(tmp_path / "second", second, events.append)
    assert manifest["data"]["adapter"] == first["adapter_sha256"]
    looks = [event for event in events if isinstance(event, Look)]
    assert looks[-1].loss == pytest.approx(first["outcome"]["best_loss"], abs=0.01)


def test_an_adapter_of_another_rank_is_not_gone_on_from(tmp_path: Path, config: TuneConfig) -> None:
    start(tmp_path / "first", config.replaced(steps=1, look=1))
    other = config.replaced(start=str(tmp_path / "first"), rank=4)
    with pytest.raises(FencunError, match="秩"):
        start(tmp_path / "second", other)


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


def test_a_loss_that_is_no_number_stops_with_the_last_checkpoint_whole(
    tmp_path: Path, config: TuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    nll = Student.nll

    def broken(self: Student, batch: Any, adapter: Any) -> tuple[torch.Tensor, int]:
        value, count = nll(self, batch, adapter)
        taught = adapter is not None and torch.is_grad_enabled()
        return value * (float("nan") if taught and _moved(adapter) else 1), count

    monkeypatch.setattr(Student, "nll", broken)
    with pytest.raises(FencunError, match="第 2 步的损失不是数"):
        start(tmp_path / "run", config.replaced(checkpoint=1))
    assert done_steps(tmp_path / "run") == 1


def _moved(adapter: LoraAdapter) -> bool:
    return any(bool(v.any()) for name, v in adapter.tensors.items() if "lora_B" in name)


def test_out_of_memory_halves_the_batch_and_changes_no_gradient(
    tmp_path: Path, config: TuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_HOME", str(tmp_path / "home"))
    halves = start(tmp_path / "halves", config.replaced(micro=2))
    nll = Student.nll

    def small(self: Student, batch: Any, adapter: Any) -> tuple[torch.Tensor, int]:
        if torch.is_grad_enabled() and len(batch) > 2:
            raise torch.OutOfMemoryError
        return nll(self, batch, adapter)

    monkeypatch.setattr(Student, "nll", small)
    survived = start(tmp_path / "whole", config)
    assert survived["adapter_sha256"] == halves["adapter_sha256"]


def test_what_the_data_alone_decides_is_told_before_a_base_is_opened(config: TuneConfig) -> None:
    with pytest.raises(FencunError, match="相同的种子家族"):
        read(config.replaced(validation=config.train, base="no such base"))
    with pytest.raises(FencunError, match="没有数据文件"):
        read(config.replaced(validation="nowhere.jsonl", base="no such base"))


@pytest.mark.parametrize("keep", [1, 0])
def test_too_little_data_is_refused(tmp_path: Path, config: TuneConfig, keep: int) -> None:
    train = Path(config.train)
    train.write_text("".join(train.read_text().splitlines(keepends=True)[:keep]))
    with pytest.raises(FencunError, match="至少要 2 条"):
        read(config)


def test_long_samples_are_left_out_and_named(config: TuneConfig) -> None:
    rows = [json.loads(line) for line in Path(config.train).read_text().splitlines()]
    brief = {key: rows[0][key] for key in BRIEF}
    rows[0]["text"] = "过年好，" * 200
    rows[0]["hash"] = sha256_json({"brief": brief, "text": rows[0]["text"]})
    _write(Path(config.train), rows)
    material = read(config)
    assert material.examples.dropped == [rows[0]["id"]]
    assert len(material.examples.training) == 23


def test_an_absurdly_long_line_is_named(config: TuneConfig) -> None:
    rows = [json.loads(line) for line in Path(config.train).read_text().splitlines()]
    rows[4]["text"] = "好" * 40_000
    _write(Path(config.train), rows)
    with pytest.raises(FencunError, match="第 5 行"):
        read(config)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def test_more_layers_than_the_base_has(tmp_path: Path, config: TuneConfig) -> None:
    with pytest.raises(FencunError, match="3"):
        start(tmp_path / "run", config.replaced(layers=9))


def test_only_the_plainest_share_is_trained_on(config: TuneConfig) -> None:
    assert len(read(config).examples.training) == 24
    kept = read(config.replaced(plain=0.01)).examples.training
    assert len(kept) == len({example.stratum for example in kept}) == 24


def test_a_time_budget_limits_the_steps(tmp_path: Path, config: TuneConfig) -> None:
    short = config.replaced(steps=0, epochs=1e6, minutes=0.02)
    manifest = start(tmp_path / "run", short)
    assert 1 <= manifest["resolved"]["steps"] < 1000
