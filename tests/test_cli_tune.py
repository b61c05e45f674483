"""``fencun tune`` as typed: plan, run, export, and what it says to mistakes."""

import json
from pathlib import Path

import pytest
from tune_tiny import tiny_base, tiny_dataset
from typer.testing import CliRunner

from fencun.cli.tune import app
from fencun.errors import FencunError
from fencun.scenario import Scenario
from fencun.tune.lora import LoraAdapter


@pytest.fixture
def data(tmp_path: Path, scenario: Scenario) -> list[str]:
    tiny_base(tmp_path / "base")
    tiny_dataset(tmp_path, scenario)
    return [
        "--base", str(tmp_path / "base"), "--train", str(tmp_path / "train.jsonl"),
        "--validation", str(tmp_path / "validation.jsonl"),
    ]  # fmt: skip


def test_plan_counts_samples_and_steps_and_takes_a_preset(data: list[str]) -> None:
    done = CliRunner().invoke(app, ["plan", *data, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    by_name = {item["preset"]: item for item in found["estimates"]}
    assert by_name["full"]["samples"] == 24
    assert by_name["full"]["steps"] == 3
    assert by_name["tiny"]["steps"] == 4
    assert found["take"] == "full"
    for item in found["estimates"]:
        low, likely, high = item["seconds"]
        assert 0 < low <= likely <= high


def test_the_tiny_preset_runs_and_exports(tmp_path: Path, data: list[str]) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    arguments = ["run", "--preset", "tiny", *data, "--out", str(run), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["outcome"]["steps"] == 4
    done = CliRunner().invoke(
        app, ["export", str(run), "--out", str(out), "--format", "peft", "--base", data[1]]
    )
    assert done.exit_code == 0, done.output
    assert LoraAdapter.load(out).layers == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--preset", "huge"], "没有档位 huge"),
        (["run", "--engine", "magic"], "没有引擎 magic"),
        (["export", "nowhere", "--out", "x", "--format", "exe"], "没有格式 exe"),
        (["export", "nowhere", "--out", "x", "--format", "peft"], "没有完整的 PEFT 适配器"),
        (["resume", "nowhere"], "没有开始过的微调"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, arguments: list[str], said: str) -> None:
    paths = [str(tmp_path / name) if name in ("nowhere", "x") else name for name in arguments]
    done = CliRunner().invoke(app, paths)
    assert done.exit_code != 0
    assert said in (str(done.exception) if isinstance(done.exception, FencunError) else done.output)
