"""A LoRA adapter for the light model that is loud enough to hear: random, seeded, tiny."""

from pathlib import Path

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
