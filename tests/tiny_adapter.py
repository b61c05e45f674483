"""A LoRA adapter for the light model that is loud enough to hear: random, seeded, tiny.

And smaller ones that no model takes, whole or broken, with the manifest that pins them.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np

_WIDTH = 896  # of the hidden state of Qwen2.5-Coder-0.5B
_LAYERS = 24


def write_adapter(path: Path, *, rank: int = 4, loudness: float = 0.3) -> Path:
    """Write a GGUF adapter that turns every answer into noise; return ``path``."""
    generator = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    for layer in range(_LAYERS):
        for half, shape in (("a", (rank, _WIDTH)), ("b", (_WIDTH, rank))):
            values = generator.normal(0, loudness, shape).astype(np.float32)
            writer.add_tensor(f"blk.{layer}.attn_output.weight.lora_{half}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_small(
    path: Path,
    *,
    alpha: float = 4.0,
    down: tuple[int, ...] = (2, 8),
    up: tuple[int, ...] = (8, 2),
    value: float = 0.5,
    halves: str = "ab",
    kind: str = "lora",
    dtype: Any = np.float32,
) -> Path:
    """Write a GGUF adapter of one pair of tensors, as broken as it is told; return ``path``."""
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", kind)
    writer.add_float32("adapter.lora.alpha", alpha)
    for half, shape in (("a", down), ("b", up)):
        if half in halves:
            values = np.full(shape, value if half == "b" else 0.25).astype(dtype)
            writer.add_tensor(f"blk.0.attn_q.weight.lora_{half}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_manifest(folder: Path, **more: object) -> None:
    """Write the manifest of the ``adapter.gguf`` in ``folder``, with its hash."""
    sha256 = hashlib.sha256((folder / "adapter.gguf").read_bytes()).hexdigest()
    manifest = {"base": "b", "base_sha256": "0" * 64, "sha256": sha256, **more}
    (folder / "manifest.json").write_text(json.dumps(manifest))
