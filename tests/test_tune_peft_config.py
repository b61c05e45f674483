"""Every key of PEFT's configuration is honoured, or refused by its name."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from fencun.errors import ModelError
from fencun.tune.base import TunableBase
from fencun.tune.formats.merged import export_merged
from fencun.tune.lora import LoraAdapter

# PEFT reads an attribute that transformers gives up.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


def _peft_adapter(base: TunableBase, folder: Path, **options: Any) -> torch.nn.Module:
    """Write an adapter that PEFT made, with random weights; return the base it is merged into."""
    torch.manual_seed(5)
    given = {"r": 4, "lora_alpha": 6, "target_modules": ["q_proj", "v_proj"], **options}
    model: Any = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
    tuned: Any = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **given))
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    tuned.save_pretrained(folder)
    merged: torch.nn.Module = tuned.merge_and_unload()
    return merged


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_rslora": True},
        {"alpha_pattern": {"q_proj": 64}},
        {"rank_pattern": {"v_proj": 2}},
        {"rank_pattern": {"layers.1.self_attn.q_proj": 8}, "use_rslora": True},
        {"alpha_pattern": {r"layers\.[02]\..*": 3}, "rank_pattern": {"q_proj": 7}},
        {"layers_to_transform": [1, 2], "layers_pattern": "layers"},
        {"target_modules": r".*\.[12]\.mlp\.(up|down)_proj"},
        {"target_modules": "all-linear", "exclude_modules": ["o_proj", "lm_head"]},
        {"lora_dropout": 0.3, "init_lora_weights": "gaussian"},
    ],
    ids=lambda options: "+".join(options) or "plain",
)
def test_what_it_changes_is_what_peft_changes(
    base: TunableBase, tmp_path: Path, options: dict[str, Any]
) -> None:
    theirs = _peft_adapter(base, tmp_path / "peft", **options).state_dict()
    folder = export_merged(LoraAdapter.load(tmp_path / "peft"), base, tmp_path / "merged")
    before: Any = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
    changed = 0
    for name, old in before.state_dict().items():
        ours = load_file(folder / _shard(folder, name))[name].float()
        assert torch.allclose(ours, theirs[name], rtol=2**-7, atol=1e-3), name
        changed += not torch.equal(old, theirs[name])
    assert changed >= 2


def _shard(folder: Path, name: str) -> str:
    index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
    return str(index["weight_map"][name])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "lora_only"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"layer_replication": [(0, 2), (1, 3)]}, "layer_replication"),
        ({"trainable_token_indices": [1, 2]}, "trainable_token_indices"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_honoured_is_refused_by_name(
    base: TunableBase, tmp_path: Path, options: dict[str, Any], named: str
) -> None:
    _peft_adapter(base, tmp_path / "peft", **options)
    with pytest.raises(ModelError, match=named):
        LoraAdapter.load(tmp_path / "peft")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fan_in_fan_out", True),
        ("lora_bias", True),
        ("a_key_of_next_year", {"strength": 3}),
        ("init_lora_weights", "pissa"),
        ("peft_type", "LOHA"),
        ("target_modules", None),
        ("target_modules", "("),
        ("target_modules", 5),
        ("exclude_modules", "["),
        ("rank_pattern", {"*": 8}),
        ("layers_to_transform", "x"),
        ("layers_pattern", "("),
        ("use_rslora", "false"),
        ("target_modules", ["k_proj"]),
        ("exclude_modules", ["q_proj"]),
        ("layers_to_transform", [0]),
        ("r", 3),
        ("r", 0),
        ("r", 2.5),
        ("lora_alpha", float("nan")),
        ("lora_alpha", "16"),
        ("rank_pattern", {"q_proj": 3}),
        ("alpha_pattern", {"q_proj": -1}),
    ],
)
def test_a_configuration_that_is_not_that_of_the_tensors_is_refused(
    tmp_path: Path, adapter: LoraAdapter, key: str, value: Any
) -> None:
    adapter.save(tmp_path, "tiny")
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(ModelError):
        LoraAdapter.load(tmp_path)
