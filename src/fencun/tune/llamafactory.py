"""The same data and options for LLaMA-Factory: files written, trainer run, adapter read.

LLaMA-Factory (Zheng et al., 2024, arXiv:2403.13372) brings FSDP and DeepSpeed, so it is the way
to several GPUs. Nothing of it is imported: ``llamafactory-cli`` is run where it is installed.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from fencun import files
from fencun.brief import parse_brief
from fencun.errors import FencunError
from fencun.prompt import messages
from fencun.records import Sample
from fencun.scenario import Scenario, load_scenario
from fencun.tune.adapter import LoraAdapter
from fencun.tune.config import TuneConfig
from fencun.tune.examples import read_samples

DATASET = "fencun"
_PROGRAM = "llamafactory-cli"
_OUTPUT = "saves"
_DEEPSPEED = {
    "train_batch_size": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_accumulation_steps": "auto",
    "gradient_clipping": "auto",
    "bf16": {"enabled": "auto"},
    "zero_optimization": {
        "stage": 3,
        "overlap_comm": True,
        "contiguous_gradients": True,
        "stage3_gather_16bit_weights_on_model_save": True,
    },
}
_FSDP = {
    "compute_environment": "LOCAL_MACHINE",
    "distributed_type": "FSDP",
    "fsdp_config": {
        "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "fsdp_sharding_strategy": "FULL_SHARD",
        "fsdp_state_dict_type": "FULL_STATE_DICT",
        "fsdp_cpu_ram_efficient_loading": True,
        "fsdp_sync_module_states": True,
        "fsdp_use_orig_params": True,
    },
    "mixed_precision": "bf16",
    "num_machines": 1,
    "num_processes": 8,
}


def conversations(scenario: Scenario, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return samples as chats in OpenAI form, the prompt made by the code that serves."""
    rows = []
    for sample in samples:
        chat: list[dict[str, str]] = [
            {"role": turn["role"], "content": turn["content"]}
            for turn in messages(parse_brief(scenario, sample.brief, strict=True), "tuned")
        ]
        rows.append({"messages": [*chat, {"role": "assistant", "content": sample.text}]})
    return rows


def dataset_info() -> dict[str, Any]:
    """Return dataset_info.json: where the two files are and how their columns are called."""
    tags = {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    }
    return {
        name: {
            "file_name": f"{name}.json",
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": tags,
        }
        for name in (DATASET, f"{DATASET}_validation")
    }


def recipe(
    config: TuneConfig, *, model: str, template: str, output: str, cpu: bool, data: str = "data"
) -> dict[str, Any]:
    """Return the options of an SFT run. No ``max_samples``: LLaMA-Factory would drop data silently.

    ``template`` is ``qwen3`` for Qwen3, with thinking switched off in training as in serving.
    """
    options: dict[str, Any] = {
        "model_name_or_path": model,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": config.rank,
        "lora_alpha": int(config.alpha),
        "lora_dropout": 0.0,
        "lora_target": "all",
        "template": template,
        "enable_thinking": False,
        "dataset_dir": data,
        "dataset": DATASET,
        "eval_dataset": f"{DATASET}_validation",
        "cutoff_len": config.max_tokens,
        "output_dir": output,
        "overwrite_output_dir": False,
        "per_device_train_batch_size": 1 if cpu else config.batch,
        "gradient_accumulation_steps": config.batch if cpu else 1,
        "learning_rate": config.rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": config.warmup,
        "weight_decay": config.decay,
        "max_grad_norm": config.clip,
        "num_train_epochs": float(config.epochs),
        "eval_strategy": "steps",
        "eval_steps": config.look,
        "save_strategy": "steps",
        "save_steps": config.checkpoint,
        "save_total_limit": 3,
        "logging_steps": 1,
        "seed": config.seed,
        "bf16": not cpu,
        "report_to": "none",
        "plot_loss": False,
    }
    if config.steps:
        options["max_steps"] = config.steps
    if cpu:
        options |= {"use_cpu": True, "dataloader_pin_memory": False}
    return options


def template_of(model: str) -> str:
    """Return LLaMA-Factory's template for a model, by its config or, where remote, its name."""
    config = Path(model) / "config.json"
    family = ""
    if config.is_file():
        family = str(json.loads(config.read_text(encoding="utf-8")).get("model_type", ""))
    return "qwen3" if "qwen3" in f"{family} {model}".lower() else "qwen"


def write_project(
    folder: Path, config: TuneConfig, *, model: str = "Qwen/Qwen3-32B", cpu: bool = False
) -> Path:
    """Write data, recipe, and configs for DeepSpeed ZeRO-3 and FSDP; return the recipe's path.

    Raises:
        FencunError: the data cannot be read.
    """
    from fencun.tune.session import data_files

    scenario = load_scenario(config.scenario)
    train, validation = data_files(config, scenario)
    data = folder / "data"
    for name, path in ((DATASET, train), (f"{DATASET}_validation", validation)):
        files.write_json(
            data / f"{name}.json", conversations(scenario, read_samples(path, scenario))
        )
    files.write_json(data / "dataset_info.json", dataset_info())
    files.write_json(folder / "deepspeed_zero3.json", _DEEPSPEED)
    files.write_text(folder / "fsdp.yaml", yaml.safe_dump(_FSDP, sort_keys=False))
    options = recipe(config, model=model, template=template_of(model), output=_OUTPUT, cpu=cpu)
    path = folder / "sft.yaml"
    files.write_text(path, yaml.safe_dump(options, sort_keys=False, allow_unicode=True))
    return path


def find_program() -> Path:
    """Return ``llamafactory-cli``: ``FENCUN_LLAMAFACTORY`` (its path) or the one on PATH.

    Raises:
        FencunError: it is not installed.
    """
    named = os.environ.get("FENCUN_LLAMAFACTORY", "").strip()
    found = named or shutil.which(_PROGRAM)
    if not found or not Path(found).is_file():
        raise FencunError(
            "没有找到 llamafactory-cli：请另建一个虚拟环境安装 llamafactory，"
            "再用 FENCUN_LLAMAFACTORY 指向它。",
            "llamafactory-cli was not found: install llamafactory in an environment of its own "
            "and point FENCUN_LLAMAFACTORY at it.",
        )
    return Path(found)


def train(
    folder: Path, config: TuneConfig, *, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Run LLaMA-Factory on the base and data of ``config``; bring its adapter back; return facts.

    A second call in the same folder goes on from its newest checkpoint.

    Raises:
        FencunError: it is not installed, or it failed; the last lines it said are in the error.
    """
    from fencun.tune.session import find_base, torch_device

    program = find_program()
    base = find_base(config.base)
    path = write_project(folder, config, model=str(base.folder), cpu=torch_device() == "cpu")
    said = _run([str(program), "train", path.name], folder, tell)
    output = folder / _OUTPUT
    try:
        adapter = LoraAdapter.load(output)
    except FencunError as error:
        raise FencunError(
            f"LLaMA-Factory 没有留下适配器。它最后说：{said[-600:]}",
            f"LLaMA-Factory left no adapter. It last said: {said[-600:]}",
        ) from error
    adapter.save(folder / "best", base.name)
    facts = {
        "engine": "llamafactory",
        "base": {"name": base.name, "sha256": base.sha256},
        "resolved": config.to_json(),
        "outcome": _outcome(output),
    }
    files.write_json(folder / "manifest.json", facts)
    return facts


def _run(command: Sequence[str], folder: Path, tell: Callable[[str], None]) -> str:
    environment = {**os.environ, "DISABLE_VERSION_CHECK": "1", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        list(command),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines = [*lines[-200:], line]
            tell(line.rstrip())
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if code:
        said = "".join(lines)[-800:]
        raise FencunError(
            f"LLaMA-Factory 出错退出（{code}）。它最后说：{said}",
            f"LLaMA-Factory failed ({code}). It last said: {said}",
        )
    return "".join(lines)


def _outcome(output: Path) -> dict[str, Any]:
    path = output / "trainer_state.json"
    state = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    losses = [row["eval_loss"] for row in state.get("log_history", []) if "eval_loss" in row]
    step = int(state.get("global_step", 0))
    return {
        "steps": step,
        "best_step": step,
        "best_loss": min(losses) if losses else float("nan"),
        "stopped": None,
    }
