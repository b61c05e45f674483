"""What adapter_config.json of PEFT says of an adapter's tensors: every key honoured, or refused.

A key that changes what the tensors mean and is not honoured would leave an adapter that is
quietly another one. So what is not known to be harmless is refused by its name.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from fencun.errors import ModelError

_HONOURED = {
    "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules",
    "exclude_modules", "layers_to_transform", "layers_pattern", "base_model_name_or_path",
}  # fmt: skip
# These tell how it was trained, or who wrote it; what was saved means the same with any value.
_HARMLESS = {
    "peft_type", "peft_version", "task_type", "auto_mapping", "inference_mode", "revision",
    "lora_dropout", "megatron_core", "qalora_group_size", "runtime_config", "eva_config",
    "ensure_weight_tying", "lora_ga_config",
}  # fmt: skip


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except (re.error, RecursionError, OverflowError):
        return False


def _are_modules(value: Any) -> bool:
    """Whether it names modules: by one expression, or by the ends of their names."""
    return _is_pattern(value) or (
        isinstance(value, list) and all(isinstance(name, str) for name in value)
    )


def _are_layers(value: Any) -> bool:
    return all(type(layer) is int for layer in (value if isinstance(value, list) else [value]))


# What a key must hold to be honoured; without one it is as PEFT has it.
_KINDS: dict[str, Callable[[Any], bool]] = {
    "use_rslora": lambda value: value is None or isinstance(value, bool),
    "target_modules": _are_modules,
    "exclude_modules": lambda value: value is None or _are_modules(value),
    "layers_to_transform": lambda value: value is None or _are_layers(value),
    "layers_pattern": lambda value: (
        not value or all(map(_is_pattern, value if isinstance(value, list) else [value]))
    ),
    "base_model_name_or_path": lambda value: value is None or isinstance(value, str),
}
# Other ways to begin (PiSSA, OLoRA, CorDA, LoftQ) change the base's weights beside the adapter.
_BEGINNINGS = (None, True, False, "gaussian", "eva", "orthogonal")


@dataclass(frozen=True)
class Module:
    """What the configuration says of one adapted module: the rank of A and B, what B A is times."""

    rank: int
    scaling: float


class PeftConfig:
    """An adapter_config.json that has been read and can be honoured.

    Raises:
        ModelError: it is no LoRA, a number in it is none, or a key cannot be honoured; named.
    """

    def __init__(self, declared: Mapping[str, Any]) -> None:
        _refuse(declared)
        self._rank = _positive(declared, "r", int)
        self.alpha = _positive(declared, "lora_alpha", float)
        self._rooted = declared.get("use_rslora") is True
        self._ranks = _pattern(declared, "rank_pattern")
        self._alphas = _pattern(declared, "alpha_pattern")
        self.base = str(declared.get("base_model_name_or_path") or "")
        self._targets = SimpleNamespace(
            target_modules=declared["target_modules"],
            target_parameters=None,
            **{
                name: declared.get(name)
                for name in ("exclude_modules", "layers_to_transform", "layers_pattern")
            },
        )

    def adapts(self, module: str) -> bool:
        """Whether PEFT would adapt the module of this name, such as model.layers.0.mlp.up_proj."""
        from peft.tuners.tuners_utils import check_target_module_exists

        if self._targets.target_modules == "all-linear":
            return True
        found = check_target_module_exists(self._targets, module)
        return bool(found) and type(found).__name__ != "_ExcludedModule"

    def module(self, name: str) -> Module:
        """Return what it says of the module ``name``, as PEFT reads it.

        rsLoRA divides by the root of the rank (Kalajdzievski, 2023, arXiv:2312.03732).
        """
        from peft.utils.other import get_pattern_key

        rank = self._ranks.get(get_pattern_key(list(self._ranks), name), self._rank)
        alpha = self._alphas.get(get_pattern_key(list(self._alphas), name), self.alpha)
        return Module(int(rank), alpha / (math.sqrt(rank) if self._rooted else rank))


def _refuse(declared: Mapping[str, Any]) -> None:
    if declared.get("peft_type", "LORA") != "LORA":
        raise _refused("peft_type", declared["peft_type"])
    if not declared.get("target_modules"):
        raise _refused("target_modules", declared.get("target_modules"))
    for key, fits in _KINDS.items():
        if key in declared and not fits(declared[key]):
            raise _refused(key, declared[key])
    for key, value in declared.items():
        if key in _HONOURED or key in _HARMLESS:
            continue
        if key == "init_lora_weights" and value in _BEGINNINGS:
            continue
        if key == "bias" and value == "none":
            continue
        if value not in (None, False, 0, "", [], {}):
            raise _refused(key, value)


def _refused(key: str, value: Any) -> ModelError:
    return ModelError(
        f"这个适配器的配置里 {key} 是 {str(value)[:60]}，分寸还不会照办；"
        "照样读它会得到另一个适配器。先用 PEFT 合并进底座（merge_and_unload），再用合并好的模型。",
        f"The configuration of this adapter has {key} = {str(value)[:60]}, which Fencun does not "
        "honour; read all the same it would be another adapter. Merge it into its base with PEFT "
        "(merge_and_unload) and take the merged model.",
    )


def _positive(declared: Mapping[str, Any], key: str, kind: type[int] | type[float]) -> float:
    value: Any = declared.get(key)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and value > 0 and kind(value) == value:
        return kind(value)
    raise ModelError(
        f"适配器配置里 {key} 是 {str(value)[:40]}，不是正数。",
        f"{key} in the configuration of the adapter is {str(value)[:40]}, no positive number.",
    )


def _pattern(declared: Mapping[str, Any], key: str) -> dict[str, float]:
    value = declared.get(key) or {}
    if not isinstance(value, dict) or not all(map(_is_pattern, value)):
        raise _refused(key, value)
    return {str(name): _positive(value, name, float) for name in value}
