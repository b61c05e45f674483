"""The adapter as a GGUF LoRA, which llama.cpp loads beside the base."""

import json
import tempfile
from pathlib import Path

import torch

from fencun import files
from fencun.tune.base import TunableBase
from fencun.tune.lora import LoraAdapter, peft_name

_GGUF = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


def export_gguf(adapter: LoraAdapter, base: TunableBase, path: Path) -> Path:
    """Write ``adapter`` as a GGUF LoRA in float16, as llama.cpp loads it; return ``path``."""
    import gguf

    family = json.loads((base.folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    with tempfile.TemporaryDirectory() as temporary:
        draft = Path(temporary) / path.name
        writer = gguf.GGUFWriter(draft, family)
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", adapter.alpha)
        for layer in adapter.layers:
            for target in adapter.targets:
                for side in "AB":
                    values = adapter.tensors[peft_name(layer, target, side)].detach()
                    name = f"blk.{layer}.{_GGUF[target]}.weight.lora_{side.lower()}"
                    writer.add_tensor(name, values.to(torch.float16).numpy())
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        files.write_bytes(path, draft.read_bytes())
    return path
