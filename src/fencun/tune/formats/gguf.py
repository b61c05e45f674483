"""The adapter as a GGUF LoRA, which llama.cpp loads beside the base: written, and read again."""

import json
import re
import tempfile
from pathlib import Path

import torch

from fencun import files
from fencun.errors import ModelError
from fencun.models.gguf import check_adapter
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
_TARGET = {name: target for target, name in _GGUF.items()}
_TENSOR = re.compile(r"blk\.(\d+)\.(\w+)\.weight\.lora_([ab])")


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


def import_gguf(path: Path) -> LoraAdapter:
    """Read a GGUF LoRA, as :func:`export_gguf` writes it: its numbers are those of float16.

    Raises:
        ModelError: it is no sound adapter, or not the same targets and rank in every layer.
    """
    import gguf

    check_adapter(path)
    reader = gguf.GGUFReader(path)
    found = [(_TENSOR.fullmatch(tensor.name), tensor.data) for tensor in reader.tensors]
    read = {
        (int(name[1]), _TARGET[name[2]], name[3].upper()): torch.tensor(data).float()
        for name, data in found
        if name and name[2] in _TARGET
    }
    layers = tuple(sorted({layer for layer, _, _ in read}))
    targets = tuple(name for name in _GGUF if any(name == target for _, target, _ in read))
    ranks = {tensor.shape[0 if side == "A" else 1] for (*_, side), tensor in read.items()}
    if len(ranks) != 1 or not len(found) == len(read) == 2 * len(layers) * len(targets):
        raise ModelError(
            f"{path} 不是各层一致的 LoRA 适配器，不能接着训，也不能换格式。",
            f"{path} is not a LoRA adapter with the same targets and rank in every layer.",
        )
    tensors = {peft_name(*place): tensor for place, tensor in read.items()}
    alpha = float(reader.fields["adapter.lora.alpha"].contents())
    return LoraAdapter(ranks.pop(), alpha, layers, targets, tensors)
