"""What comes out of a run: GGUF for the embedded engine, merged weights, Ollama, vLLM.

The adapter in PEFT format is the source of truth; all else is made from it.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from fencun import adapter as shipped
from fencun import files
from fencun.models.engine import Decoding
from fencun.tune.base import Base
from fencun.tune.chat_template import one_turn
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
_SIDE = ".safetensors"


@dataclass(frozen=True)
class Recommended:
    """How the adapter should be used; ``scale`` multiplies its update, 1 is as trained."""

    scale: float = 1.0
    temperature: float = 0.2


def export_gguf(adapter: LoraAdapter, base: Base, path: Path) -> Path:
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


def export_merged(adapter: LoraAdapter, base: Base, folder: Path, *, scale: float = 1.0) -> Path:
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
            if path.name.endswith(".index.json") or path.name == "fencun_base.json":
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


def modelfile(base: Base, tokenizer: Any, recommended: Recommended, *, adapter: str) -> str:
    """Return an Ollama Modelfile: same template as in training, thinking off.

    A Modelfile cannot weaken an adapter, so ``adapter`` should be exported at its scale.
    """
    before, after = one_turn(tokenizer)
    source = base.gguf.name if base.gguf else str(base.folder)
    decoding = Decoding()
    return (
        f"FROM ./{source}\n"
        f"ADAPTER ./{adapter}\n"
        f'TEMPLATE """{before}{{{{ .Prompt }}}}{after}"""\n'
        f"PARAMETER temperature {recommended.temperature:g}\n"
        f"PARAMETER top_p {decoding.top_p:g}\n"
        f"PARAMETER top_k {decoding.top_k}\n"
        f"PARAMETER min_p {decoding.min_p:g}\n"
        f"PARAMETER repeat_penalty {decoding.repeat_penalty:g}\n"
        f"PARAMETER num_predict {decoding.max_tokens}\n"
        f'PARAMETER stop "{tokenizer.eos_token}"\n'
    )


def vllm_command(base: Base, adapter: LoraAdapter, folder: Path) -> str:
    """Return the command that serves base and adapter with vLLM, thinking off."""
    ranks = (8, 16, 32, 64, 128, 256)
    largest = next((rank for rank in ranks if rank >= adapter.rank), adapter.rank)
    return (
        f"vllm serve {base.folder} --served-model-name {base.name} \\\n"
        f"  --enable-lora --max-lora-rank {largest} --lora-modules fencun={folder} \\\n"
        "  --default-chat-template-kwargs '{\"enable_thinking\": false}' \\\n"
        "  --dtype bfloat16 --max-model-len 2048\n"
    )


def export_shipped(
    adapter: LoraAdapter, base: Base, folder: Path, recommended: Recommended, facts: dict[str, Any]
) -> dict[str, Any]:
    """Write what ships with a scenario: GGUF in float16, and last the manifest.

    ``facts`` (how it was trained) go into the manifest beside what serving needs.
    """
    manifest_path = folder / shipped.MANIFEST
    manifest_path.unlink(missing_ok=True)
    export_gguf(adapter, base, folder / shipped.GGUF)
    manifest = {
        "base": base.name,
        "base_sha256": base.sha256,
        "sha256": files.sha256_file(folder / shipped.GGUF),
        "scale": recommended.scale,
        "temperature": recommended.temperature,
        "rank": adapter.rank,
        "alpha": adapter.alpha,
        "layers": list(adapter.layers),
        **facts,
    }
    files.write_json(manifest_path, manifest)
    return manifest


def scaled(adapter: LoraAdapter, scale: float) -> LoraAdapter:
    """Return the adapter weakened or strengthened for good, for servers that know no scale."""
    return LoraAdapter(
        adapter.rank, adapter.alpha * scale, adapter.layers, adapter.targets, adapter.tensors
    )
