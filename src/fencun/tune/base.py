"""The base a run tunes: a Hugging Face folder, de-quantised once from the GGUF that serves."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fencun import files
from fencun.errors import ModelError
from fencun.home import home
from fencun.models import gguf
from fencun.tune.forward.decoder import WeightFiles, Weights

MANIFEST = "fencun_base.json"
_WEIGHTS = "model.safetensors"
_FORMAT = 1
_BLOCK = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_CLASSES = {"qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}


@dataclass(frozen=True)
class TunableBase:
    """A base model ready to be tuned.

    ``folder`` holds config.json, safetensors in bf16 and the tokenizer; ``sha256`` is the hash
    of what serves: the GGUF file, or the weights of a Hugging Face folder; ``gguf`` is None
    where the base never was a GGUF.
    """

    name: str
    folder: Path
    sha256: str
    gguf: Path | None


def find_base(name: str) -> TunableBase:
    """Return the base called ``name``: a path, a catalog name, or empty for the model in use.

    Its config.json is there; to tune it or to read its weights, :func:`complete` it.

    Raises:
        ModelError: nothing is there, or it is of a family that the loop cannot tune.
    """
    path = Path(name).expanduser()
    if name and path.exists():
        return identify(path)
    from fencun.models.installed import locate

    found = locate(name or None)
    return identify(found.path, found.name)


def identify(path: Path, name: str | None = None) -> TunableBase:
    """Return the base at ``path``, a ``.gguf`` file or a Hugging Face folder, known by its hash.

    Raises:
        ModelError: nothing is there, or it is of a family that the loop cannot tune.
    """
    if path.is_dir():
        _check_family(json.loads(_read(path / "config.json")).get("model_type"), path)
        return TunableBase(name or path.name, path, _folder_sha256(path), None)
    if not path.is_file():
        raise ModelError(
            f"没有这个底座模型：{path}。先运行 fencun model fetch。",
            f"No such base model: {path}. Run fencun model fetch first.",
        )
    sha256 = files.sha256_file(path)
    folder = home() / "bases" / sha256[:16]
    if not (folder / "config.json").exists():
        _write_config(path, folder)
    return TunableBase(name or path.stem, folder, sha256, path)


def complete(base: TunableBase, *, weights: bool = True) -> TunableBase:
    """Make the tokenizer and, with ``weights``, the safetensors of a base from its GGUF; return it.

    Weights are de-quantised to bf16 once and kept under ``FENCUN_HOME/bases``, by their hash.
    """
    if base.gguf is None or _is_whole(base, weights=weights):
        return base
    if not _is_whole(base, weights=False):
        _write_tokenizer(base.gguf, base.folder)
        _write_manifest(base)
    if weights:
        _write_weights(base.gguf, base.folder)
        _write_manifest(base, bytes=(base.folder / _WEIGHTS).stat().st_size)
    return base


def weights_of_base(base: TunableBase) -> Weights:
    """Return the weights of ``base`` by name, read when asked for.

    They come from safetensors or, where a GGUF was never de-quantised whole, out of that.
    """
    if base.gguf is None or _is_whole(base, weights=True):
        return WeightFiles(base.folder)
    return _GgufWeights(base.gguf)


class _GgufWeights:
    """The tensors of a GGUF, de-quantised when asked for, and kept: that takes long."""

    def __init__(self, path: Path) -> None:
        found = gguf.read_head(path).tensors
        self._tensors = {_hugging_face_name(name): tensor for name, tensor in found.items()}
        self._data = np.memmap(path, mode="r")
        self._kept: dict[str, Tensor] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor, outermost first."""
        return self._tensors[name].shape[::-1]

    def read(self, name: str) -> Tensor:
        if name not in self._kept:
            self._kept[name] = self.dequantised(name)
        return self._kept[name]

    def dequantised(self, name: str) -> Tensor:
        """Return the tensor called ``name`` in bfloat16, without keeping it."""
        from gguf import GGMLQuantizationType
        from gguf.quants import dequantize, quant_shape_to_byte_shape

        kind, shape = GGMLQuantizationType(self._tensors[name].kind), self.shape(name)
        rows, wide = quant_shape_to_byte_shape((math.prod(shape[:-1]), shape[-1]), kind)
        start = self._tensors[name].offset
        raw = self._data[start : start + rows * wide]
        together = math.gcd(rows, 16)  # a row is no unit of its blocks, and long ones are faster
        values = dequantize(raw.reshape(-1, together * wide), kind).reshape(shape)
        return torch.from_numpy(np.require(values, requirements="W")).to(torch.bfloat16)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(
            f"打不开 {path}：{error.strerror}。它应当是 Hugging Face 格式的模型文件夹。",
            f"Cannot open {path}: {error.strerror}. It should be a Hugging Face model folder.",
        ) from error


def _check_family(family: Any, path: Path) -> None:
    if family not in _CLASSES:
        raise ModelError(
            f"{path} 是 {family} 架构；这里能微调 {'、'.join(_CLASSES)}，"
            "其它架构请用 --engine llamafactory。",
            f"{path} is of family {family}; the loop tunes {', '.join(_CLASSES)}. "
            "For others use --engine llamafactory.",
        )


def _folder_sha256(folder: Path) -> str:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(
            f"{folder} 里没有 safetensors 权重。", f"There are no safetensors weights in {folder}."
        )
    return files.sha256_json({path.name: files.sha256_file(path) for path in weights})


def _is_whole(base: TunableBase, *, weights: bool) -> bool:
    try:
        manifest = json.loads((base.folder / MANIFEST).read_text(encoding="utf-8"))
        size = (base.folder / _WEIGHTS).stat().st_size if weights else None
    except (OSError, ValueError):
        return False
    same = manifest.get("sha256") == base.sha256 and manifest.get("format") == _FORMAT
    return bool(same and (not weights or size == manifest.get("bytes")))


def _write_manifest(base: TunableBase, **more: int) -> None:
    """Write down what of ``base`` is whole: with ``bytes`` its weights, without the rest."""
    assert base.gguf is not None
    manifest = {"format": _FORMAT, "sha256": base.sha256, "source": base.gguf.name, **more}
    files.write_json(base.folder / MANIFEST, manifest)


def _write_config(path: Path, folder: Path) -> None:
    head = gguf.read_head(path)
    family = head.metadata.get("general.architecture")
    _check_family(family, path)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "config.json", _config(head, str(family)))


def _write_weights(path: Path, folder: Path) -> None:
    """De-quantise the GGUF ``path`` into ``folder``, a tensor at a time: all are gigabytes.

    The layout is that of https://huggingface.co/docs/safetensors/index#format, which the
    library writes only of tensors that are all in memory.
    """
    weights = _GgufWeights(path)
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(weights):
        shape = weights.shape(name)
        start, end = end, end + 2 * math.prod(shape)
        head[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    told = json.dumps(head, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 8)
    with files.replacing(folder / _WEIGHTS) as file:
        file.write(len(told).to_bytes(8, "little") + told)
        for name in sorted(weights):
            file.write(weights.dequantised(name).view(torch.int16).numpy().data)


def _hugging_face_name(name: str) -> str:
    if name in _WHOLE:
        return _WHOLE[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{_BLOCK[part]}.{kind}"


def _config(head: gguf.Head, family: str) -> dict[str, Any]:
    def told(key: str) -> Any:
        return head.metadata.get(f"{family}.{key}")

    heads = told("attention.head_count")
    hidden = told("embedding_length")
    return {
        "architectures": [_CLASSES[family]],
        "model_type": family,
        "hidden_size": hidden,
        "intermediate_size": told("feed_forward_length"),
        "num_hidden_layers": told("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": told("attention.head_count_kv"),
        "head_dim": told("attention.key_length") or hidden // heads,
        "hidden_act": "silu",
        "max_position_embeddings": told("context_length"),
        "rms_norm_eps": told("attention.layer_norm_rms_epsilon"),
        "rope_theta": told("rope.freq_base"),
        "vocab_size": head.tensors["token_embd.weight"].shape[1],
        "tie_word_embeddings": "output.weight" not in head.tensors,
        "bos_token_id": head.metadata.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": head.metadata.get("tokenizer.ggml.eos_token_id"),
        "torch_dtype": "bfloat16",
    }


def _write_tokenizer(path: Path, folder: Path) -> None:
    from transformers import AutoTokenizer

    # Told the family, it reads the head once and quickly.
    family = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    tokenizer = AutoTokenizer.from_pretrained(
        path.parent, gguf_file=path.name, tokenizer_type=family
    )
    tokenizer.save_pretrained(folder)
