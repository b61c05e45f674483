"""The base a run tunes: a Hugging Face folder, de-quantised once from the GGUF that serves."""

import gc
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fencun import files
from fencun.errors import ModelError
from fencun.home import home
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
class Base:
    """A base model ready to be tuned.

    ``folder`` holds config.json, safetensors in bf16 and the tokenizer; ``sha256`` is the hash
    of what serves: the GGUF file, or the weights of a Hugging Face folder; ``gguf`` is None
    where the base never was a GGUF.
    """

    name: str
    folder: Path
    sha256: str
    gguf: Path | None


def find_base(name: str) -> Base:
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


def identify(path: Path, name: str | None = None) -> Base:
    """Return the base at ``path``, a ``.gguf`` file or a Hugging Face folder, known by its hash.

    Raises:
        ModelError: nothing is there, or it is of a family that the loop cannot tune.
    """
    if path.is_dir():
        _check_family(json.loads(_read(path / "config.json")).get("model_type"), path)
        return Base(name or path.name, path, _folder_sha256(path), None)
    if not path.is_file():
        raise ModelError(
            f"没有这个底座模型：{path}。先运行 fencun model fetch。",
            f"No such base model: {path}. Run fencun model fetch first.",
        )
    sha256 = files.sha256_file(path)
    folder = home() / "bases" / sha256[:16]
    if not (folder / "config.json").exists():
        _write_config(path, folder)
    return Base(name or path.stem, folder, sha256, path)


def complete(base: Base, *, weights: bool = True) -> Base:
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


def weights_of_base(base: Base) -> Weights:
    """Return the weights of ``base`` by name, read when asked for.

    They come from safetensors or, where a GGUF was never de-quantised whole, out of that.
    """
    if base.gguf is None or _is_whole(base, weights=True):
        return WeightFiles(base.folder)
    return _GgufWeights(base.gguf)


class _GgufWeights:
    """The tensors of a GGUF, de-quantised when asked for."""

    def __init__(self, path: Path) -> None:
        from gguf import GGUFReader

        reader = GGUFReader(path)
        self._tensors = {_hugging_face_name(tensor.name): tensor for tensor in reader.tensors}

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def read(self, name: str) -> Tensor:
        return _dequantised(self._tensors[name])


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


def _is_whole(base: Base, *, weights: bool) -> bool:
    try:
        manifest = json.loads((base.folder / MANIFEST).read_text(encoding="utf-8"))
        size = (base.folder / _WEIGHTS).stat().st_size if weights else None
    except (OSError, ValueError):
        return False
    same = manifest.get("sha256") == base.sha256 and manifest.get("format") == _FORMAT
    return bool(same and (not weights or size == manifest.get("bytes")))


def _write_manifest(base: Base, **more: int) -> None:
    """Write down what of ``base`` is whole: with ``bytes`` its weights, without the rest."""
    assert base.gguf is not None
    manifest = {"format": _FORMAT, "sha256": base.sha256, "source": base.gguf.name, **more}
    files.write_json(base.folder / MANIFEST, manifest)


def _write_config(path: Path, folder: Path) -> None:
    from gguf import GGUFReader

    reader = GGUFReader(path)
    family = _field(reader, "general.architecture")
    _check_family(family, path)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "config.json", _config(reader, family))


def _write_weights(path: Path, folder: Path) -> None:
    """De-quantise the GGUF ``path`` into ``folder``."""
    from gguf import GGUFReader
    from safetensors.torch import save

    reader = GGUFReader(path)
    tensors = {_hugging_face_name(tensor.name): _dequantised(tensor) for tensor in reader.tensors}
    files.write_bytes(folder / _WEIGHTS, save(tensors, metadata={"format": "pt"}))
    tensors.clear()
    gc.collect()


def _dequantised(tensor: Any) -> Tensor:
    from gguf.quants import dequantize

    values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
    return values.to(torch.bfloat16)


def _hugging_face_name(name: str) -> str:
    if name in _WHOLE:
        return _WHOLE[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{_BLOCK[part]}.{kind}"


def _field(reader: Any, key: str) -> Any:
    field = reader.get_field(key)
    return None if field is None else field.contents()


def _config(reader: Any, family: str) -> dict[str, Any]:
    names = {tensor.name: tensor for tensor in reader.tensors}
    heads = _field(reader, f"{family}.attention.head_count")
    hidden = _field(reader, f"{family}.embedding_length")
    return {
        "architectures": [_CLASSES[family]],
        "model_type": family,
        "hidden_size": hidden,
        "intermediate_size": _field(reader, f"{family}.feed_forward_length"),
        "num_hidden_layers": _field(reader, f"{family}.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _field(reader, f"{family}.attention.head_count_kv"),
        "head_dim": _field(reader, f"{family}.attention.key_length") or hidden // heads,
        "hidden_act": "silu",
        "max_position_embeddings": _field(reader, f"{family}.context_length"),
        "rms_norm_eps": _field(reader, f"{family}.attention.layer_norm_rms_epsilon"),
        "rope_theta": _field(reader, f"{family}.rope.freq_base"),
        "vocab_size": int(names["token_embd.weight"].shape[1]),
        "tie_word_embeddings": "output.weight" not in names,
        "bos_token_id": _field(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": _field(reader, "tokenizer.ggml.eos_token_id"),
        "torch_dtype": "bfloat16",
    }


def _write_tokenizer(path: Path, folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    tokenizer.save_pretrained(folder)
