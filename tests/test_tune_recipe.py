"""The same recipe on a bigger base: what is written, what is typed, and that it runs."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from tune_tiny import tiny_base, tiny_dataset
from typer.testing import CliRunner

from fencun.cli.tune import app
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.files import sha256_file
from fencun.scenario import Scenario
from fencun.tune import recipe as recipes
from fencun.tune.lora import LoraAdapter
from fencun.tune.machine import Machine
from fencun.tune.recipe import commands, make_recipe, write_recipe

GIB = 1 << 30


def on(monkeypatch: pytest.MonkeyPatch, *, memory: int, gpu: int = 0) -> None:
    """Stand on a machine with so much memory, in GiB."""
    found = Machine(
        cores=8, memory=memory * GIB, device="cuda" if gpu else "cpu", gpu="G" if gpu else "",
        gpu_memory=gpu * GIB, bf16=True, int8=not gpu, cpu="c",
    )  # fmt: skip
    monkeypatch.setattr(recipes, "look_around", lambda: found)


@pytest.fixture
def scene(tmp_path: Path, scenario: Scenario) -> Path:
    """A scenario with flagship data and plain lines, and a tiny Qwen3 beside it."""
    folder = tmp_path / "scene"
    folder.mkdir()
    for name in ("scenario.yaml", "prompt.md"):
        shutil.copy(scenario.folder / name, folder)
    shutil.copytree(scenario.folder / "tact", folder / "tact")
    tiny_dataset(folder / "dataset", scenario)
    tiny_dataset(folder / "plain", scenario, train=16)
    tiny_base(tmp_path / "base", family="qwen3")
    return folder


def test_a_tiny_qwen3_is_tuned_on_the_flagship_data_though_there_are_plain_lines(
    tmp_path: Path, scene: Path
) -> None:
    words = ["recipe", "--base", str(tmp_path / "base"), "--scenario", str(scene),
             "--preset", "tiny"]  # fmt: skip
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "one"), "--run", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["outcome"]["steps"] == 4
    facts = json.loads((tmp_path / "one" / "run" / "config.json").read_text(encoding="utf-8"))
    assert sha256_file(scene / "dataset" / "train.jsonl") in json.dumps(facts["data"])
    assert LoraAdapter.load(tmp_path / "one" / "adapter").layers == (1, 2)
    # What is printed, typed by hand, is the same run.
    told = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "two"), "--json"])
    typed = json.loads(told.stdout)["commands"]
    assert [line.split()[:3] for line in typed] == [
        ["fencun", "tune", "run"], ["fencun", "tune", "export"]
    ]  # fmt: skip
    for line in typed:
        done = CliRunner().invoke(app, shlex.split(line)[2:])
        assert done.exit_code == 0, done.output
    other = json.loads((tmp_path / "two" / "run" / "config.json").read_text(encoding="utf-8"))
    assert (other["resolved"], other["data"]) == (facts["resolved"], facts["data"])
    assert LoraAdapter.load(tmp_path / "two" / "adapter").layers == (1, 2)


def test_a_base_without_room_here_goes_to_llamafactory_with_the_flagship_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: Scenario
) -> None:
    on(monkeypatch, memory=24)
    made = make_recipe("qwen3-32b", tmp_path / "big one")
    assert (made.engine, made.fits) == ("llamafactory", False)
    path = write_recipe(made)
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["data"] == "dataset"
    project = tmp_path / "big one" / "llamafactory"
    options = yaml.safe_load((project / "sft.yaml").read_text(encoding="utf-8"))
    assert (options["model_name_or_path"], options["template"]) == ("Qwen/Qwen3-32B", "qwen3")
    assert (options["lora_rank"], options["num_train_epochs"]) == (8, 1.0)
    flagship = read_samples(scenario.folder / "dataset" / "train.jsonl", scenario)
    chats = json.loads((project / "data" / "fencun.json").read_text(encoding="utf-8"))
    assert len(chats) == len(flagship)
    told = commands(made)
    assert shlex.split(told[0]) == ["fencun", "model", "fetch", "qwen3-32b"]
    assert f"cd '{project}' && llamafactory-cli train sft.yaml" in told
    assert "eval read sheet" in told[-1]


@pytest.mark.parametrize(
    ("base", "memory", "gpu", "engine"),
    [("qwen3-4b", 64, 0, "fencun"), ("qwen3-4b", 12, 0, "llamafactory"),
     ("qwen3-8b", 16, 80, "fencun"), ("qwen3-32b", 512, 24, "llamafactory"),
     ("Qwen3-8B", 16, 24, "fencun")],
)  # fmt: skip
def test_where_it_is_tuned_is_a_matter_of_memory(
    base: str, memory: int, gpu: int, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, memory=memory, gpu=gpu)
    assert make_recipe(base, tmp_path).engine == engine
    assert make_recipe(base, tmp_path, engine="llamafactory").engine == "llamafactory"


def test_another_recipe_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, memory=64)
    path = write_recipe(make_recipe("qwen3-4b", tmp_path))
    before = path.read_bytes()
    write_recipe(make_recipe("qwen3-4b", tmp_path))
    with pytest.raises(FencunError, match="别的配方"):
        write_recipe(make_recipe("qwen3-8b", tmp_path))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("wanted", "told"),
    [({"base": "qwen3-5b"}, "qwen3-4b"), ({"preset": "huge"}, "没有“huge”"),
     ({"engine": "magic"}, "没有“magic”")],
)  # fmt: skip
def test_mistakes_are_told(wanted: dict[str, str], told: str, tmp_path: Path) -> None:
    with pytest.raises(FencunError, match=told):
        make_recipe(**{"base": "qwen3-4b", "folder": tmp_path, **wanted})  # type: ignore[arg-type]
