"""The real LLaMA-Factory: it reads what is written for it, trains, resumes, and comes back."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tune_tiny import TEMPLATE, tiny_base, tiny_dataset

from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.home import home
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample, encode_all
from fencun.tune.formats.export import export
from fencun.tune.llamafactory import executor
from fencun.tune.llamafactory.project import export_project
from fencun.tune.lora import LoraAdapter
from fencun.tune.material import Material, gather
from fencun.tune.objectives.sft import Sft
from fencun.tune.runs.events import Event, LookEvent, Tell, silently
from fencun.tune.runs.life import resume, start
from fencun.tune.runs.request import RunRequest

_HOME = home()
GIVEN = {"preset": "tiny"}
_PLAIN = TEMPLATE.partition("{% if enable_thinking")[0] + "{% endif %}"
_WITH_SYSTEM = "{{ '<|im_start|>system\\n你是分寸。<|im_end|>\\n' }}" + _PLAIN
# What LLaMA-Factory's own code makes of recipes: its arguments, and the tokens and labels.
_READ = """
import json, os, sys
from accelerate.commands.config import load_config_from_file
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
from omegaconf import OmegaConf
for folder in sys.argv[1:]:
    os.chdir(folder)
    recipe = OmegaConf.to_container(OmegaConf.load("sft.yaml"))
    model, data, training, tuning, _ = get_train_args(recipe)
    tools = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(tools["tokenizer"], data)
    found = get_dataset(template, model, data, training, stage="sft", **tools)
    shards = load_config_from_file("fsdp.yaml")
    json.dump({
        "rows": [[r["input_ids"], r["labels"]] for r in found["train_dataset"]],
        "validation": len(found["eval_dataset"]), "rank": tuning.lora_rank,
        "max_samples": data.max_samples, "overwrite": training.overwrite_output_dir,
        "cpu": training.use_cpu, "fsdp": str(shards.distributed_type),
    }, open("read.json", "w"))
"""


@pytest.fixture(scope="session")
def program() -> Path:
    """The real thing, in the environment that `make test` sets up once (about three minutes)."""
    found = _HOME / "llamafactory" / "bin" / "llamafactory-cli"
    if not found.is_file():
        pytest.skip("LLaMA-Factory is not set up on this machine: run scripts/setup-llamafactory")
    return found


@pytest.fixture
def config(tmp_path: Path, scenario: Scenario) -> TuneConfig:
    tiny_dataset(tmp_path, scenario)
    return TuneConfig(
        base=str(tiny_base(tmp_path / "base")),
        train=str(tmp_path / "train.jsonl"),
        validation=str(tmp_path / "validation.jsonl"),
        layers=2, rank=2, rate=1e-2, warmup=0, batch=2, steps=3, look=1, validation_samples=3,
    )  # fmt: skip


def gathered(config: TuneConfig) -> Material[TrainingExample]:
    return gather(Sft(), config)


def train(folder: Path, config: TuneConfig, tell: Tell = silently) -> dict[str, Any]:
    return start(folder, RunRequest(config, engine="llamafactory", given=GIVEN), tell)


@pytest.mark.slow
def test_it_reads_the_very_tokens_that_the_own_loop_trains_on(
    program: Path, config: TuneConfig, scenario: Scenario, tmp_path: Path
) -> None:
    projects = {}
    for name, template in (("qwen3", TEMPLATE), ("qwen", _WITH_SYSTEM)):
        (tmp_path / "base" / "chat_template.jinja").write_text(template)
        material = gathered(config)
        path = executor._write(tmp_path / name, config, material)
        options = yaml.safe_load(path.read_text())
        assert options["template"] == name
        assert options["enable_thinking"] is False
        assert "max_samples" not in options
        projects[name] = material.tokenizer
    _run_their_code(program, *(tmp_path / name for name in projects))
    samples = read_samples(Path(config.train), scenario)
    for name, tokenizer in projects.items():
        read = json.loads((tmp_path / name / "read.json").read_text())
        assert (read["rank"], read["max_samples"], read["overwrite"]) == (2, None, False)
        assert (read["cpu"], read["validation"]) == (True, 3)
        assert "FSDP" in read["fsdp"]
        newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
        examples, _ = encode_all(tokenizer, scenario, samples, max_tokens=512)
        assert read["rows"] == [
            [[*e.prompt, *e.answer, *newline], [*[-100] * len(e.prompt), *e.answer, *newline]]
            for e in examples
        ]


def _run_their_code(program: Path, *folders: Path) -> None:
    done = subprocess.run(
        [program.with_name("python"), "-c", _READ, *folders],
        env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_it_trains_is_stopped_resumes_and_its_adapter_comes_back(
    program: Path, config: TuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_LLAMAFACTORY", str(program))
    folder = tmp_path / "run"
    told: list[Event] = []

    def stop_at_the_second_look(event: Event) -> None:
        told.append(event)
        if isinstance(event, LookEvent) and event.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(folder, config, stop_at_the_second_look)
    whole = [path.parent for path in (folder / "saves").glob("checkpoint-*/trainer_state.json")]
    saved = max(step for path in whole if (step := int(path.name.partition("-")[2])) < 3)
    assert not (folder / "manifest.json").exists()
    torn = folder / "saves" / "checkpoint-9"
    torn.mkdir()
    (torn / "adapter_config.json").write_text("{")
    manifest = resume(folder, told.append)
    assert manifest["outcome"]["steps"] == 3
    assert manifest["given"] == GIVEN
    assert not torn.exists()
    assert f"saves/checkpoint-{saved}" in (folder / "output.log").read_text()  # it went on there
    assert {event.step for event in told if isinstance(event, LookEvent)} == {1, 2, 3}
    assert "Resuming training from" in (folder / "output.log").read_text()
    logged = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in logged] == [event.step for event in told]
    adapter = LoraAdapter.load(folder / "best")
    assert (adapter.layers, adapter.rank, len(adapter.targets)) == ((1, 2), 2, 7)
    assert any(bool(tensor.any()) for name, tensor in adapter.tensors.items() if "lora_B" in name)
    best = min((e for e in told if isinstance(e, LookEvent)), key=lambda e: e.loss)
    assert manifest["outcome"]["best_loss"] == pytest.approx(best.loss)
    _transformers_loads(tmp_path / "base", folder / "best")
    with pytest.raises(FencunError, match="已经完成"):
        train(folder, config)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_two_processes_train_one_adapter_that_comes_back(
    program: Path, config: TuneConfig, tmp_path: Path
) -> None:
    """As on several GPUs (DDP), with processes on the CPU that speak through gloo."""
    recipe = export_project(tmp_path, tmp_path / "lf", model=config.base, gpus=2)
    options = yaml.safe_load(recipe.read_text())
    assert options["per_device_train_batch_size"] == 4
    options |= {"use_cpu": True, "bf16": False, "ddp_backend": "gloo", "max_steps": 2,
                "eval_steps": 2, "save_steps": 2, "dataloader_pin_memory": False}  # fmt: skip
    recipe.write_text(yaml.safe_dump(options))
    done = subprocess.run(
        ["sh", "train.sh"], cwd=recipe.parent, capture_output=True, text=True, check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "FORCE_TORCHRUN": "1", "NPROC_PER_NODE": "2",
             "OMP_NUM_THREADS": "1", "PATH": f"{program.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "world size: 2" in done.stderr + done.stdout
    saves = recipe.parent / "saves"
    assert json.loads((saves / "trainer_state.json").read_text())["global_step"] == 2
    export(saves, tmp_path / "out", "gguf", base_name=config.base)
    assert (tmp_path / "out" / "manifest.json").is_file()
    _transformers_loads(tmp_path / "base", saves)


def _transformers_loads(base: Path, adapter: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        before = plain(torch.tensor([[1, 2, 3]])).logits
        after = PeftModel.from_pretrained(plain, adapter)(torch.tensor([[1, 2, 3]])).logits
    assert not torch.equal(before, after)


_STAND_IN = """#!/usr/bin/env python3
# Takes a second over three steps and a look, and says so as LLaMA-Factory does.
import json, pathlib, time
time.sleep(1)
pathlib.Path("saves").mkdir()
history = [{"eval_runtime": 0.4, "eval_loss": 1.0, "step": 3}, {"train_runtime": 1.0, "step": 3}]
pathlib.Path("saves/trainer_state.json").write_text(json.dumps({"log_history": history}))
"""


def test_minutes_are_turned_into_steps_by_what_a_few_of_them_took(
    config: TuneConfig, tmp_path: Path
) -> None:
    program = tmp_path / "llamafactory-cli"
    program.write_text(_STAND_IN)
    program.chmod(0o755)
    material = gathered(config.replaced(steps=0, epochs=1000, look=10, minutes=2.0))
    started = time.monotonic()
    found = executor._within_budget(program, tmp_path / "timing", material, started)
    # Ten steps of 0.2 s and a look of 0.4 s are 2.4 s; of 120 s, those for timing are gone.
    assert 250 < found.steps < 476
    assert not (tmp_path / "timing").exists()


def test_what_it_says_when_it_fails_is_told(
    config: TuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "llamafactory-cli"
    broken.write_text("#!/bin/sh\necho 'ValueError: no such template' >&2; exit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("FENCUN_LLAMAFACTORY", str(broken))
    with pytest.raises(FencunError, match=r"（3）.*no such template"):
        train(tmp_path / "run", config)
    (tmp_path / "train.jsonl").write_text((tmp_path / "train.jsonl").read_text() + "\n")
    with pytest.raises(FencunError, match="train 变了"):
        resume(tmp_path / "run")


def test_where_it_is_not_installed_the_error_says_how_to(
    config: TuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_LLAMAFACTORY", str(tmp_path / "nowhere"))
    with pytest.raises(FencunError, match="setup-llamafactory"):
        train(tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_it_does_not_silently_start_anew_where_an_adapter_was_named(
    config: TuneConfig, tmp_path: Path
) -> None:
    with pytest.raises(FencunError, match="去掉 start"):
        train(tmp_path / "run", config.replaced(start=str(tmp_path)))
