"""The adapter folded into its base: a model of its own, for servers that know no adapters."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from fencun import files
from fencun.tune.base import MANIFEST, TunableBase
from fencun.tune.lora import LoraAdapter

_SIDE = ".safetensors"


def export_merged(
    adapter: LoraAdapter, base: TunableBase, folder: Path, *, scale: float = 1.0
) -> Path:
    """Write the base with the adapter folded in, a Hugging Face folder in bf16; return it.

    One safetensors file a layer keeps the memory small; the index, written last, makes it whole.
    """
    pairs = adapter.pairs(dtype=torch.float32, scale=scale)
    where: dict[str, str] = {}
    total = 0
    for shard, tensors in _by_layer(base.folder):
        for name in tensors:
            pair = pairs.get(_lora_place(name))
            if pair is not None:
                update = pair[1].detach() @ pair[0].detach()
                tensors[name] = (tensors[name].float() + update).to(torch.bfloat16)
            where[name] = shard
            total += tensors[name].numel() * tensors[name].element_size()
        files.write_bytes(folder / shard, save(tensors, metadata={"format": "pt"}))
    for path in base.folder.iterdir():
        if path.is_file() and path.suffix in (".json", ".jinja", ".txt", ".model"):
            if path.name.endswith(".index.json") or path.name == MANIFEST:
                continue
            shutil.copyfile(path, folder / path.name)
    index = {"metadata": {"total_size": total}, "weight_map": where}
    files.write_json(folder / "model.safetensors.index.json", index)
    return folder


def _by_layer(folder: Path) -> Iterator[tuple[str, dict[str, Tensor]]]:
    groups: dict[str, list[tuple[str, Path]]] = {}
    for path in sorted(folder.glob(f"*{_SIDE}")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a dict
                parts = name.split(".")
                group = f"layer-{int(parts[2]):03d}" if parts[1] == "layers" else "rest"
                groups.setdefault(group, []).append((name, path))
    for group in sorted(groups):
        tensors: dict[str, Tensor] = {}
        for name, path in groups[group]:
            with safe_open(path, framework="pt") as file:
                tensors[name] = file.get_tensor(name)
        yield f"model-{group}{_SIDE}", tensors


def _lora_place(name: str) -> tuple[int, str]:
    parts = name.split(".")
    if len(parts) == 6 and parts[1] == "layers" and parts[5] == "weight":
        return int(parts[2]), parts[4]
    return -1, ""
