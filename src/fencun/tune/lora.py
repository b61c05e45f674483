"""The LoRA adapter: float32 master copies, on disk in the format of PEFT.

LoRA: Hu et al., 2021 (arXiv:2106.09685). The update of a weight W (out, in) is
(alpha / rank) B A, with A (rank, in) random and B (out, rank) zero at the start.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.nn.functional import pad

from fencun import files
from fencun.errors import ModelError
from fencun.tune.forward.decoder import PROJECTIONS, Lora, Shape
from fencun.tune.peft_config import PeftConfig

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_MLP = ("gate_proj", "up_proj", "down_proj")


def weights_of(folder: Path) -> Path:
    """Return the folder with the weights of a run, its best ones, or of a bare adapter."""
    return folder / "best" if (folder / "best").is_dir() else folder


@dataclass
class LoraAdapter:
    """LoRA pairs of one rank and strength; ``tensors`` maps PEFT names to float32 masters.

    ``made_for`` is the base that PEFT's configuration names, empty where unknown.
    """

    rank: int
    alpha: float
    layers: tuple[int, ...]
    targets: tuple[str, ...]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    made_for: str = ""

    @classmethod
    def fresh(
        cls,
        widths: Mapping[str, tuple[int, int]],
        *,
        rank: int,
        alpha: float,
        layers: range,
        targets: tuple[str, ...] = PROJECTIONS,
        seed: int = 0,
    ) -> "LoraAdapter":
        """Return an adapter that changes nothing yet; ``widths`` gives (out, in) a projection."""
        generator = torch.Generator().manual_seed(seed)
        adapter = cls(rank, alpha, tuple(layers), targets)
        for layer in layers:
            for target in targets:
                out, inner = widths[target]
                down = torch.empty(rank, inner)
                torch.nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=generator)
                adapter.tensors[peft_name(layer, target, "A")] = down
                adapter.tensors[peft_name(layer, target, "B")] = torch.zeros(out, rank)
        return adapter

    @property
    def scaling(self) -> float:
        """What B A is multiplied by."""
        return self.alpha / self.rank

    def pairs(self, *, dtype: torch.dtype, device: str = "cpu", scale: float = 1.0) -> Lora:
        """Return the pairs as the forward pass takes them, B scaled; gradients flow to masters."""
        return {
            (layer, target): (
                self.tensors[peft_name(layer, target, "A")].to(device, dtype),
                (self.tensors[peft_name(layer, target, "B")] * (self.scaling * scale)).to(
                    device, dtype
                ),
            )
            for layer in self.layers
            for target in self.targets
        }

    def scaled(self, scale: float) -> "LoraAdapter":
        """Return the adapter weakened or strengthened for good, for servers that know no scale."""
        return replace(self, alpha=self.alpha * scale)

    def config(self, base: str) -> dict[str, Any]:
        """Return adapter_config.json as PEFT reads it."""
        return {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base,
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": 0.0,
            "bias": "none",
            "fan_in_fan_out": False,
            "inference_mode": True,
            "target_modules": list(self.targets),
            "layers_to_transform": list(self.layers),
            "layers_pattern": "layers",
        }

    def save(self, folder: Path, base: str, *, dtype: torch.dtype = torch.float32) -> None:
        """Write the adapter as PEFT does; ``base`` names the model it belongs to."""
        tensors = {name: value.detach().to(dtype) for name, value in self.tensors.items()}
        files.write_json(folder / CONFIG, self.config(base))
        files.write_bytes(folder / WEIGHTS, save(tensors, metadata={"format": "pt"}))

    @classmethod
    def load(cls, folder: Path) -> "LoraAdapter":
        """Read an adapter in PEFT format; it changes a base by what PEFT would change it.

        Where modules differ in rank or strength (rsLoRA, rank_pattern, alpha_pattern), they are
        brought to one: A and B are padded with zeros, B is multiplied.

        Raises:
            ModelError: a file is missing or torn, it is not a plain LoRA over known layers, a
                number is not finite, or a key of its configuration cannot be honoured.
        """
        try:
            declared = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            tensors = load((folder / WEIGHTS).read_bytes())
        except (OSError, ValueError, RecursionError, SafetensorError) as error:
            raise ModelError(
                f"{folder} 里没有完整的 PEFT 适配器（要有 {CONFIG} 和 {WEIGHTS}）。",
                f"{folder} holds no whole PEFT adapter ({CONFIG} and {WEIGHTS}).",
            ) from error
        config = PeftConfig(declared if isinstance(declared, dict) else {})
        places = {_place(name) for name in tensors}
        adapter = cls(
            1,
            1.0,
            tuple(sorted({layer for layer, _ in places})),
            tuple(name for name in PROJECTIONS if any(target == name for _, target in places)),
            # A file's tensors come in any order; the last bit of a gradient's norm hangs on it.
            {name: tensors[name].float() for name in sorted(tensors)},
            config.base,
        )
        adapter._check_tensors(folder, config)
        adapter._unify(config)
        return adapter

    def _check_tensors(self, folder: Path, config: PeftConfig) -> None:
        wanted = {
            peft_name(layer, target, side)
            for layer in self.layers
            for target in self.targets
            for side in "AB"
        }
        if not self.tensors or wanted != set(self.tensors):
            raise ModelError(
                f"{folder} 不是各层一致的 LoRA 适配器。",
                f"{folder} is not a LoRA adapter with the same targets in every layer.",
            )
        for name, tensor in self.tensors.items():
            module = module_name(*_place(name))
            if not config.adapts(module):
                raise ModelError(
                    f"{folder} 的配置没有选中 {module}，却有它的权重；这不是一个完整的适配器。",
                    f"The configuration in {folder} leaves out {module}, yet it has weights.",
                )
            rank = tensor.shape[0 if name.endswith("lora_A.weight") else -1]
            if tensor.dim() != 2 or rank != config.module(module).rank:
                raise ModelError(
                    f"{folder} 里 {module} 的权重和配置里的秩对不上。",
                    f"The weights of {module} in {folder} do not have the rank of its "
                    "configuration.",
                )
            if not bool(torch.isfinite(tensor).all()):
                raise ModelError(
                    f"{folder} 里 {module} 的权重不是有限的数；它已经坏了。",
                    f"The weights of {module} in {folder} are not finite: they are broken.",
                )

    def _unify(self, config: PeftConfig) -> None:
        """Bring all modules to one rank and one scaling, and note them."""
        places = [(layer, target) for layer in self.layers for target in self.targets]
        modules = {place: config.module(module_name(*place)) for place in places}
        self.rank = max(module.rank for module in modules.values())
        scaling = modules[places[0]].scaling
        plain = config.alpha / self.rank == scaling
        self.alpha = config.alpha if plain else scaling * self.rank
        for place, module in modules.items():
            missing = self.rank - module.rank
            down, up = peft_name(*place, "A"), peft_name(*place, "B")
            if missing:
                self.tensors[down] = pad(self.tensors[down], (0, 0, 0, missing))
                self.tensors[up] = pad(self.tensors[up], (0, missing))
            if module.scaling != scaling:
                self.tensors[up] = self.tensors[up] * (module.scaling / scaling)


def module_name(layer: int, target: str) -> str:
    """Return the name that transformers gives to one projection."""
    return f"model.layers.{layer}.{'mlp' if target in _MLP else 'self_attn'}.{target}"


def peft_name(layer: int, target: str, side: str) -> str:
    """Return the name PEFT gives to A or B of one projection."""
    return f"base_model.model.{module_name(layer, target)}.lora_{side}.weight"


def _place(name: str) -> tuple[int, str]:
    parts = name.split(".")
    try:
        layer, target = int(parts[4]), parts[6]
    except (IndexError, ValueError):
        layer, target = -1, name
    if layer < 0 or target not in PROJECTIONS:
        raise ModelError(
            f"适配器里有不认识的张量 {name}。", f"The adapter holds an unknown tensor {name}."
        )
    return layer, target


def widths(folder: Path) -> dict[str, tuple[int, int]]:
    """Return (out, in) of every projection of the base in ``folder``."""
    shape = Shape.read(folder)
    inner = json.loads((folder / "config.json").read_text(encoding="utf-8"))["intermediate_size"]
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    return {
        "q_proj": (queries, shape.hidden),
        "k_proj": (keys, shape.hidden),
        "v_proj": (keys, shape.hidden),
        "o_proj": (shape.hidden, queries),
        "gate_proj": (inner, shape.hidden),
        "up_proj": (inner, shape.hidden),
        "down_proj": (shape.hidden, inner),
    }
