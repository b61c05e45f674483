"""What is written for LLaMA-Factory: the template that fits a model, and one command to run."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from transformers import AutoTokenizer
from tune_tiny import TEMPLATE, tiny_base, tiny_dataset
from typer.testing import CliRunner

from fencun.errors import ModelError
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.llamafactory.project import export_project, recipe, speech_named, speech_of


@pytest.mark.parametrize(
    ("model", "template"),
    [
        ("Qwen/Qwen3-32B", "qwen3"),
        ("Qwen/Qwen3-8B-Base", "qwen3"),
        ("Qwen/Qwen3-4B-Instruct-2507", "qwen3_nothink"),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "qwen3_nothink"),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "qwen3_nothink"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_nothink"),
        ("Qwen/Qwen3.5-9B", "qwen3_5"),
        ("Qwen/Qwen3.6-27B", "qwen3_6"),
        ("/models/Qwen3.6-35B-A3B/", "qwen3_6"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("meta-llama/Llama-3.1-8B-Instruct", ""),
    ],
)
def test_a_model_takes_the_template_that_fits(model: str, template: str) -> None:
    assert speech_named(model).template == template


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("Qwen/Qwen3-4B-Thinking-2507", "总要先想"),
        ("Qwen/Qwen3-Next-80B-A3B-Thinking", "总要先想"),
        ("Qwen/QwQ-32B", "总要先想"),
        ("Qwen/Qwen3-VL-8B-Instruct", "不是写文字"),
        ("Qwen/Qwen3-Embedding-8B", "不是写文字"),
        ("Qwen/Qwen3.9-27B", "哪个模板"),
        ("Qwen/Qwen7-27B", "哪个模板"),
    ],
)
def test_a_model_that_none_fits_is_refused_with_the_reason(model: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        speech_named(model)


def test_a_base_that_always_thinks_is_refused_by_its_tokenizer(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base")
    switch = TEMPLATE.index("{% if enable_thinking")
    template = TEMPLATE[:switch] + "<think>\n{% endif %}"
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(ModelError, match="总要先想"):
        speech_of(AutoTokenizer.from_pretrained(folder))


def test_a_folder_on_this_machine_is_known_by_its_tokenizer_not_by_its_name(
    scenario: Scenario, tmp_path: Path
) -> None:
    tiny_dataset(tmp_path, scenario)
    folder = tiny_base(tmp_path / "Qwen3-4B-Thinking-2507")
    recipe = export_project(tmp_path, tmp_path / "out", model=str(folder))
    assert yaml.safe_load(recipe.read_text())["template"] == "qwen3"


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        ([], ["llamafactory-cli train sft.yaml"]),
        (
            ["deepspeed"],
            ["torchrun=1", "llamafactory-cli train sft.yaml deepspeed=deepspeed_zero3.json"],
        ),
        (
            ["fsdp"],
            ["accelerate launch --config_file fsdp.yaml -m llamafactory.launcher sft.yaml"],
        ),
    ],
)
def test_the_script_runs_one_command(
    scenario: Scenario, tmp_path: Path, arguments: list[str], ran: list[str]
) -> None:
    tiny_dataset(tmp_path, scenario)
    export_project(tmp_path, tmp_path / "lf")
    programs = tmp_path / "bin"
    programs.mkdir()
    said = f"echo ${{FORCE_TORCHRUN:+torchrun=$FORCE_TORCHRUN}} $(basename $0) $* >> {tmp_path}/ran"
    for name in ("llamafactory-cli", "accelerate"):
        (programs / name).write_text(f"#!/bin/sh\n{said}\ntest -f sft.yaml\n")
        (programs / name).chmod(0o755)
    subprocess.run(
        ["sh", str(tmp_path / "lf" / "train.sh"), *arguments],
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        check=True,
    )
    assert (tmp_path / "ran").read_text().splitlines() == [" ".join(ran)]


def test_a_base_with_another_kind_of_template_is_refused(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base")
    (folder / "chat_template.jinja").write_text("[INST]{{ messages[0].content }}[/INST]")
    with pytest.raises(ModelError, match="对话模板"):
        speech_of(AutoTokenizer.from_pretrained(folder))


def test_a_project_for_several_gpus_is_written_from_a_dataset(
    scenario: Scenario, tmp_path: Path
) -> None:
    from fencun.cli.tune import app

    tiny_dataset(tmp_path, scenario)
    out = tmp_path / "project"
    arguments = ["export", str(tmp_path), "--out", str(out), "--format", "llamafactory", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)["commands"]
    options = yaml.safe_load((out / "sft.yaml").read_text())
    assert options["model_name_or_path"] == "Qwen/Qwen3-32B"
    assert (options["template"], options["enable_thinking"]) == ("qwen3", False)
    assert (options["finetuning_type"], options["lora_target"]) == ("lora", "all")
    assert not options["overwrite_output_dir"]
    assert "max_samples" not in options
    assert "use_cpu" not in options
    assert any(line.startswith("FORCE_TORCHRUN=1 llamafactory-cli train") for line in shown)
    info = json.loads((out / "data" / "dataset_info.json").read_text())
    rows = json.loads((out / "data" / info["fencun"]["file_name"]).read_text())
    assert len(rows) == 24
    assert [turn["role"] for turn in rows[0]["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize("model", ["Qwen/Qwen3-8B", "Qwen/Qwen3-32B"])
@pytest.mark.parametrize("qlora", [False, True])
def test_a_batch_is_shared_among_the_gpus(
    scenario: Scenario, tmp_path: Path, model: str, qlora: bool
) -> None:
    from fencun.cli.tune import app

    tiny_dataset(tmp_path, scenario)
    for gpus, each in ((1, 8), (4, 2), (8, 1), (32, 1)):
        out = tmp_path / str(gpus)
        arguments = ["export", str(tmp_path), "--out", str(out), "--format", "llamafactory",
                     "--base", model, "--gpus", str(gpus), *(["--qlora"] * qlora)]  # fmt: skip
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        options = yaml.safe_load((out / "sft.yaml").read_text())
        assert options["model_name_or_path"] == model
        assert options["per_device_train_batch_size"] == each
        assert options["gradient_accumulation_steps"] == 1
        assert options.get("quantization_bit") == (4 if qlora else None)
        assert yaml.safe_load((out / "fsdp.yaml").read_text())["num_processes"] == gpus


def test_a_small_forward_pass_is_repeated_until_the_batch_is_whole() -> None:
    config = TuneConfig(batch=16, micro=2)
    options = recipe(config, "m", speech_named("Qwen3-8B"), samples=100, gpus=4)
    assert options["per_device_train_batch_size"] == 2
    assert options["gradient_accumulation_steps"] == 2
