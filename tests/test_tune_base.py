"""The base of a run: known by the hash of its weights, refused where it cannot be tuned."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize, quantize
from safetensors.torch import load_file
from tune_tiny import tiny_base

from fencun.errors import ModelError
from fencun.tune.base import _write_weights, complete, find_base, identify, weights_of_base


def test_a_folder_is_known_by_its_weights_whatever_it_is_called(tmp_path: Path) -> None:
    one, other = identify(tiny_base(tmp_path / "a")), identify(tiny_base(tmp_path / "b"))
    assert (one.name, one.sha256, one.gguf) == ("a", other.sha256, None)
    assert identify(tiny_base(tmp_path / "c", seed=1)).sha256 != one.sha256


def test_its_weights_are_read_by_name(tmp_path: Path) -> None:
    base = complete(find_base(str(tiny_base(tmp_path / "base"))))
    norm = weights_of_base(base).read("model.norm.weight")
    assert torch.equal(norm, torch.ones(64).bfloat16())


def test_what_is_not_there_or_of_another_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="没有这个底座"):
        identify(tmp_path / "none.gguf")
    folder = tiny_base(tmp_path / "base")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "llama"}))
    with pytest.raises(ModelError, match="llama"):
        identify(folder)


EMBEDDING = np.random.default_rng(0).standard_normal((48, 64), dtype=np.float32)


def write_base(path: Path, *, family: str = "qwen2") -> Path:
    """Write the head of a base and three of its tensors: rounded, not rounded, of one dimension."""
    writer = GGUFWriter(path, family)
    writer.add_embedding_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_block_count(1)
    writer.add_token_list(["a", "b"])
    kind = GGMLQuantizationType.Q8_0
    writer.add_tensor("token_embd.weight", quantize(EMBEDDING, kind), raw_dtype=kind)
    writer.add_tensor("blk.0.attn_q.weight", EMBEDDING[:7].astype(np.float16))
    writer.add_tensor("output_norm.weight", EMBEDDING[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_weights_of_a_gguf_are_de_quantised_one_by_one(tmp_path: Path) -> None:
    base = identify(write_base(tmp_path / "base.gguf"))
    config = json.loads((base.folder / "config.json").read_text(encoding="utf-8"))
    assert (config["head_dim"], config["vocab_size"], config["tie_word_embeddings"]) == (
        16, 48, True,
    )  # fmt: skip
    weights = weights_of_base(base)
    rounded = dequantize(quantize(EMBEDDING, GGMLQuantizationType.Q8_0), GGMLQuantizationType.Q8_0)
    for name, wanted in (
        ("model.embed_tokens.weight", rounded),
        ("model.layers.0.self_attn.q_proj.weight", EMBEDDING[:7].astype(np.float16)),
        ("model.norm.weight", EMBEDDING[0]),
    ):
        assert torch.equal(weights.read(name), torch.from_numpy(wanted.copy()).bfloat16()), name
    assert "lm_head.weight" not in weights
    _write_weights(tmp_path / "base.gguf", base.folder)
    written = load_file(base.folder / "model.safetensors")
    assert set(written) == set(weights)
    assert all(torch.equal(tensor, weights.read(name)) for name, tensor in written.items())


def test_a_gguf_that_cannot_be_tuned_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="llama"):
        identify(write_base(tmp_path / "other.gguf", family="llama"))
    whole = write_base(tmp_path / "base.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[:200])
    with pytest.raises(ModelError, match="不完整"):
        identify(tmp_path / "cut.gguf")
