"""The LoRA adapter: float32 master copies, on disk in the format of PEFT.

LoRA: Hu et al., 2021 (arXiv:2106.09685). The update of a weight W (out, in) is
(alpha / rank) B A, with A (rank, in) random and B (out, rank) zero at the start.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from fencun import files
from fencun.errors import ModelError
from fencun.tune.base import Base
from fencun.tune.forward.decoder import PROJECTIONS, Lora, Shape

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_MLP = ("gate_proj", "up_proj", "down_proj")


def weights_of(folder: Path) -> Path:
    """Return the folder with the weights of a run, its best ones, or of a bare adapter."""
    return folder / "best" if (folder / "best").is_dir() else folder


@dataclass
class LoraAdapter:
    """LoRA pairs for blocks ``first`` and up; ``tensors`` maps PEFT names to float32 masters."""

    rank: int
    alpha: float
    layers: tuple[int, ...]
    targets: tuple[str, ...]
    tensors: dict[str, Tensor] = field(default_factory=dict)

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
        """Read an adapter in PEFT format.

        Raises:
            ModelError: a file is missing or torn, or it is not a plain LoRA over known layers.
        """
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            tensors = load((folder / WEIGHTS).read_bytes())
            rank, alpha = int(config["r"]), float(config["lora_alpha"])
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ModelError(
                f"{folder} 里没有完整的 PEFT 适配器（要有 {CONFIG} 和 {WEIGHTS}）。",
                f"{folder} holds no whole PEFT adapter ({CONFIG} and {WEIGHTS}).",
            ) from error
        places = {_place(name) for name in tensors}
        adapter = cls(
            rank,
            alpha,
            tuple(sorted({layer for layer, _ in places})),
            tuple(name for name in PROJECTIONS if any(target == name for _, target in places)),
            # A file's tensors come in any order; the last bit of a gradient's norm hangs on it.
            {name: tensors[name].float() for name in sorted(tensors)},
        )
        wanted = {
            peft_name(layer, target, side)
            for layer in adapter.layers
            for target in adapter.targets
            for side in "AB"
        }
        if wanted != set(tensors):
            raise ModelError(
                f"{folder} 不是各层一致的 LoRA 适配器。",
                f"{folder} is not a LoRA adapter with the same targets in every layer.",
            )
        return adapter


def peft_name(layer: int, target: str, side: str) -> str:
    """Return the name PEFT gives to A or B of one projection."""
    part = "mlp" if target in _MLP else "self_attn"
    return f"base_model.model.model.layers.{layer}.{part}.{target}.lora_{side}.weight"


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


def check_fits(adapter: LoraAdapter, base: Base) -> None:
    """Refuse an adapter that was made for a base of another shape.

    Raises:
        ModelError: names the first tensor that does not fit.
    """
    layers = Shape.read(base.folder).layers
    expected = widths(base.folder)
    for layer in adapter.layers:
        for target in adapter.targets:
            out, inner = expected[target]
            down = adapter.tensors[peft_name(layer, target, "A")]
            up = adapter.tensors[peft_name(layer, target, "B")]
            fits = down.shape == (adapter.rank, inner) and up.shape == (out, adapter.rank)
            if layer >= layers or not fits:
                raise ModelError(
                    f"这个适配器不是为 {base.name} 训练的：第 {layer} 层 {target} 的形状对不上。",
                    f"This adapter was not made for {base.name}: "
                    f"{target} of layer {layer} does not fit.",
                )
