"""The same data and options as LLaMA-Factory reads them: datasets, recipe, multi-GPU configs.

LLaMA-Factory (Zheng et al., 2024, arXiv:2403.13372) brings FSDP and DeepSpeed, so it is the way
to several GPUs. Nothing of it is imported; ``factory`` runs it where it is installed.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fencun import files
from fencun.data.chats import conversations, dataset_info
from fencun.data.lines import read_samples
from fencun.errors import FencunError, ModelError
from fencun.records import Sample
from fencun.scenario import Scenario, load_scenario
from fencun.tune.chat_template import one_turn
from fencun.tune.config import TuneConfig
from fencun.tune.forward.decoder import PROJECTIONS
from fencun.tune.training_files import data_files

TRAIN = "fencun"
VALIDATION = "fencun_validation"
RECIPE = "sft.yaml"
OUTPUT = "saves"
LARGE = "Qwen/Qwen3-32B"
_CUTOFF = 2048
_SYSTEM = "<|im_start|>system\n"
_USER = "<|im_start|>user\n"
_ASSISTANT = "<|im_start|>assistant\n"
_END = "<|im_end|>\n"
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
# What train.sh runs, by its argument.
_COMMANDS = {
    "": "llamafactory-cli train sft.yaml",
    "deepspeed": "FORCE_TORCHRUN=1 llamafactory-cli train sft.yaml deepspeed=deepspeed_zero3.json",
    "fsdp": "accelerate launch --config_file fsdp.yaml -m llamafactory.launcher sft.yaml",
}
_SCRIPT = """\
#!/bin/sh
# Trains what lies in this folder, in the environment of LLaMA-Factory. Run again, it goes on
# where it was.
# The batch is shared among as many GPUs as the export was told of (--gpus).
#   sh train.sh            one GPU, or several that each hold the whole model (DDP, by itself)
#   sh train.sh deepspeed  the model spread over several GPUs, with DeepSpeed ZeRO-3
#   sh train.sh fsdp       the same with FSDP (num_processes in fsdp.yaml is the number of GPUs)
set -eu
cd "$(dirname "$0")"
case "${1:-}" in
"") COMMANDS[] ;;
deepspeed) COMMANDS[deepspeed] ;;
fsdp) COMMANDS[fsdp] ;;
*) echo "usage: sh train.sh [deepspeed|fsdp]" >&2; exit 2 ;;
esac
"""


@dataclass(frozen=True)
class Speech:
    """How LLaMA-Factory must build a chat to get the tokens that Fencun trains on and serves.

    ``template`` is one of its names, empty where it should read the tokenizer's own;
    ``system`` the system message that the base's template adds by itself, None where unknown.
    """

    template: str
    system: str | None = None


def speech_of(tokenizer: Any) -> Speech:
    """Return the template that makes the same tokens as the base's own, thinking off.

    Raises:
        ModelError: the base always thinks first, or its template is not of the ChatML kind that
            Qwen uses.
    """
    before, after = one_turn(tokenizer)
    system = ""
    if before.startswith(_SYSTEM) and _END in before:
        system, _, before = before.removeprefix(_SYSTEM).partition(_END)
    answer = after.removeprefix(_END)
    if answer.rstrip() == f"{_ASSISTANT}<think>":
        raise _always_thinks("这个底座", "This base")
    known = {_ASSISTANT: "qwen", f"{_ASSISTANT}<think>\n\n</think>\n\n": "qwen3"}
    if before != _USER or answer not in known:
        raise ModelError(
            "这个底座的对话模板和 LLaMA-Factory 的 qwen、qwen3 都对不上，训练和使用会不一致。",
            "The chat template of this base is neither qwen nor qwen3 of LLaMA-Factory; "
            "training would not match serving.",
        )
    return Speech(known[answer], system)


def speech_named(model: str) -> Speech:
    """Return the template of LLaMA-Factory 0.9.5 for a model that is known by its name only.

    A model that is not of Qwen's gets none: LLaMA-Factory reads the tokenizer's own.

    Raises:
        ModelError: it always thinks first, it is no model that writes text, or this version of
            Qwen is not known.
    """
    name = model.rstrip("/").rpartition("/")[2].lower()
    version = re.search(r"qwen-?(\d+(?:\.\d+)?)", name)
    if "thinking" in name or "qwq" in name:
        raise _always_thinks(model, model)
    if not version:
        return Speech("qwen" if "qwen" in name else "")
    if other := re.search(r"vl|omni|audio|asr|tts|image|embedding|reranker|guard", name):
        raise ModelError(
            f"{model} 不是写文字的对话模型（{other[0]}）；请选同一代的文字模型。",
            f"{model} is no chat model that writes text ({other[0]}); take one that does.",
        )
    templates = {**dict.fromkeys(("1.5", "2.5"), "qwen"), "3.5": "qwen3_5", "3.6": "qwen3_6"}
    if version[1] == "3":  # Instruct-2507, Next-Instruct and Coder know no thinking at all
        never = "instruct" in name or "coder" in name
        return Speech("qwen3_nothink" if never else "qwen3")
    if version[1] == "2":
        return Speech("qwen", "You are a helpful assistant.")
    if version[1] not in templates:
        raise ModelError(
            f"不知道 {model} 该用 LLaMA-Factory 的哪个模板；把它下载下来，用 --base 给文件夹，"
            "模板就从它的 tokenizer 认。",
            f"It is not known which template of LLaMA-Factory {model} takes; download it and "
            "give the folder as --base: then its tokenizer says.",
        )
    return Speech(templates[version[1]])


def _always_thinks(zh: str, en: str) -> ModelError:
    return ModelError(
        f"{zh} 总要先想一遍，关不掉；样本里没有思考，训练和使用会对不上。"
        "请用能关掉思考的（如 Qwen3-8B）或不思考的（Instruct）。",
        f"{en} always thinks first, which cannot be switched off; the samples hold no thoughts, so "
        "training would not match serving. Take one that can be told not to (such as Qwen3-8B) "
        "or one that never does (Instruct).",
    )


def recipe(
    config: TuneConfig,
    model: str,
    speech: Speech,
    *,
    samples: int,
    depth: int = 0,
    cpu: bool = False,
    bf16: bool = True,
    gpus: int = 1,
    qlora: bool = False,
) -> dict[str, Any]:
    """Return the options of an SFT run over ``samples``; thinking is off, as in serving.

    A batch is shared among ``gpus``; one smaller than them becomes a sample for each. With
    ``qlora`` (Dettmers et al., 2023, arXiv:2305.14314) the base lies there in 4 bits.

    No ``max_samples``: LLaMA-Factory would drop data silently. ``overwrite_output_dir`` stays
    off: run again, it resumes. ``depth`` is how many blocks the model has, 0 where unknown;
    then all of them are adapted.
    """
    share = max(1, config.batch // gpus)
    each = min(config.micro or share, share)
    steps = config.steps or max(1, math.ceil(samples * config.epochs / config.batch))
    options: dict[str, Any] = {
        "model_name_or_path": model,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": config.rank,
        "lora_alpha": int(config.alpha),
        "lora_dropout": 0.0,
        "lora_target": _targets(config.layers, depth),
        "enable_thinking": False,
        "dataset_dir": "data",
        "dataset": TRAIN,
        "eval_dataset": VALIDATION,
        "cutoff_len": max(config.max_tokens, _CUTOFF),
        "output_dir": OUTPUT,
        "overwrite_output_dir": False,
        "per_device_train_batch_size": each,
        "gradient_accumulation_steps": max(1, share // each),
        "learning_rate": config.rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": config.warmup,
        "weight_decay": config.decay,
        "max_grad_norm": config.clip,
        "num_train_epochs": config.epochs,
        "eval_strategy": "steps",
        "eval_steps": min(config.look, steps),
        "save_strategy": "steps",
        "save_steps": min(config.look, steps),
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "logging_steps": 1,
        "seed": config.seed,
        "bf16": bf16,
        "report_to": "none",
        "plot_loss": False,
    }
    if speech.template:
        options["template"] = speech.template
    if speech.system is not None:
        options["default_system"] = speech.system
    if qlora:
        options |= {"quantization_bit": 4, "quantization_method": "bnb"}
    if config.steps:
        options["max_steps"] = config.steps
    if cpu:
        options |= {"use_cpu": True, "dataloader_pin_memory": False}
    return options


def _targets(layers: int, depth: int) -> str:
    """Return what is adapted: the upper ``layers`` of ``depth`` blocks by name, or all."""
    if not layers or not depth:
        return "all"
    return ",".join(
        f"layers.{layer}.{'mlp' if target in _MLP else 'self_attn'}.{target}"
        for layer in range(depth - layers, depth)
        for target in PROJECTIONS
    )


_MLP = ("gate_proj", "up_proj", "down_proj")


def fsdp(processes: int) -> dict[str, Any]:
    """Return the options of ``accelerate launch`` for FSDP over ``processes`` GPUs."""
    return {
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
        "machine_rank": 0,
        "main_training_function": "main",
        "mixed_precision": "bf16",
        "num_machines": 1,
        "num_processes": processes,
        "use_cpu": False,
    }


def write_project(
    folder: Path,
    scenario: Scenario,
    samples: tuple[Sequence[Sample], Sequence[Sample]],
    options: dict[str, Any],
    *,
    gpus: int = 1,
) -> Path:
    """Write datasets (training, validation), recipe, DeepSpeed and FSDP; return the recipe."""
    data = folder / "data"
    for name, part in zip((TRAIN, VALIDATION), samples, strict=True):
        files.write_json(data / f"{name}.json", conversations(scenario, part))
    files.write_json(data / "dataset_info.json", dataset_info((TRAIN, VALIDATION)))
    files.write_json(folder / "deepspeed_zero3.json", _DEEPSPEED)
    files.write_text(folder / "fsdp.yaml", yaml.safe_dump(fsdp(max(1, gpus)), sort_keys=False))
    files.write_text(folder / "train.sh", _script())
    files.write_text(
        folder / RECIPE, yaml.safe_dump(options, sort_keys=False, allow_unicode=True, width=10000)
    )
    return folder / RECIPE


def export_project(
    source: Path,
    folder: Path,
    *,
    model: str = "",
    scenario_name: str = "",
    gpus: int = 1,
    qlora: bool = False,
) -> Path:
    """Write a project for another machine with ``gpus``; return its recipe.

    ``source`` is a run, whose options and data are taken, or a folder with train.jsonl and
    validation.jsonl; in the folder of a scenario they are of that, else of ``scenario_name``.
    ``model`` is a name on the hub or a folder over there.

    Raises:
        FencunError: ``source`` is neither, or its data cannot be read.
    """
    config = _options(source, scenario_name)
    scenario = load_scenario(config.scenario)
    train, validation = (read_samples(path, scenario) for path in data_files(config, scenario))
    model = model or LARGE
    options = recipe(config, model, _speech(model), samples=len(train), gpus=gpus, qlora=qlora)
    return write_project(folder, scenario, (train, validation), options, gpus=gpus)


def _script() -> str:
    script = _SCRIPT
    for argument, command in _COMMANDS.items():
        script = script.replace(f"COMMANDS[{argument}]", command)
    return script


def _speech(model: str) -> Speech:
    """Return the template for a name on the hub, or of a folder that is on this machine."""
    if not (Path(model) / "config.json").is_file():
        return speech_named(model)
    from transformers import AutoTokenizer

    return speech_of(AutoTokenizer.from_pretrained(model))


def _options(source: Path, scenario_name: str) -> TuneConfig:
    from fencun.tune.config import from_mapping

    begun = source / "config.json"
    if begun.is_file():
        return from_mapping(json.loads(begun.read_text(encoding="utf-8"))["resolved"])
    train, validation = source / "train.jsonl", source / "validation.jsonl"
    if not train.is_file():
        raise FencunError(
            f"{source} 里既没有微调，也没有 train.jsonl。",
            f"{source} holds neither a tuning run nor a train.jsonl.",
        )
    if not scenario_name and (source.parent / "scenario.yaml").is_file():
        scenario_name = str(source.parent)
    options = TuneConfig(train=str(train), validation=str(validation))
    return options.replaced(scenario=scenario_name) if scenario_name else options


def commands() -> list[str]:
    """Return the commands that train in a project: on one GPU, and spread over several."""
    return list(_COMMANDS.values())
