"""A random model of a few thousand weights, its tokenizer, and a small dataset to tune it on."""

import json
import random
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from fencun import files
from fencun.files import sha256_json
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.lora import LoraAdapter, widths

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)


def tiny_base(
    folder: Path, *, family: str = "qwen2", layers: int = 3, seed: int = 0, head: int = 16
) -> Path:
    """Write a Hugging Face folder of a random model with a byte-level tokenizer; return it.

    ``head`` is how wide a head of attention is; vLLM on a CPU takes none under 32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocab = _tokenizer(folder)
    config: dict[str, Any] = {
        "architectures": ["Qwen2ForCausalLM" if family == "qwen2" else "Qwen3ForCausalLM"],
        "model_type": family,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": head,
        "hidden_act": "silu",
        "max_position_embeddings": 1024,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "vocab_size": vocab,
        "tie_word_embeddings": False,
        "eos_token_id": 257,
        "torch_dtype": "bfloat16",
    }
    files.write_json(folder / "config.json", config)
    generator = torch.Generator().manual_seed(seed)

    def random_weight(*shape: int) -> torch.Tensor:
        return (torch.randn(*shape, generator=generator) * shape[-1] ** -0.5).bfloat16()

    tensors = {
        "model.embed_tokens.weight": random_weight(vocab, 64) * 8,
        "lm_head.weight": random_weight(vocab, 64),
        "model.norm.weight": torch.ones(64).bfloat16(),
    }
    shapes = {
        "self_attn.q_proj": (4 * head, 64),
        "self_attn.k_proj": (2 * head, 64),
        "self_attn.v_proj": (2 * head, 64),
        "self_attn.o_proj": (64, 4 * head),
        "mlp.gate_proj": (96, 64),
        "mlp.up_proj": (96, 64),
        "mlp.down_proj": (64, 96),
    }
    for layer in range(layers):
        root = f"model.layers.{layer}."
        for name, shape in shapes.items():
            tensors[f"{root}{name}.weight"] = random_weight(*shape)
            if family == "qwen2" and name.split(".")[1] in ("q_proj", "k_proj", "v_proj"):
                tensors[f"{root}{name}.bias"] = random_weight(shape[0])
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{root}{name}.weight"] = 1 + 0.1 * random_weight(64)
        if family == "qwen3":
            for name in ("q_norm", "k_norm"):
                tensors[f"{root}self_attn.{name}.weight"] = 1 + 0.1 * random_weight(head)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _tokenizer(folder: Path) -> int:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    return 264


def tiny_dataset(folder: Path, scenario: Scenario, *, train: int = 24, validation: int = 6) -> None:
    """Write train.jsonl and validation.jsonl of short made-up samples, families apart."""
    rng = random.Random(0)
    relations = [choice.value for choice in scenario.dimension("relation").choices]
    for name, count, offset in (("train", train, 0), ("validation", validation, 1000)):
        rows = []
        for number in range(offset, offset + count):
            brief = {
                "salutation": rng.choice(["妈", "老张", "李总"]),
                "relation": relations[number % len(relations)],
                "detail": rng.choice(["帮我搬过家", "合作两年", "一起爬过山"]),
                "occasion": "除夕",
                "style": "真诚走心",
                "length": "一句话",
            }
            text = f"{brief['salutation']}，过年好，记得{number}号那碗面。"
            rows.append(
                {
                    **brief,
                    "id": f"t{number:04d}",
                    "parent": None,
                    "family": f"s{number:04d}",
                    "generation": 0,
                    "breeder": "hand",
                    "run": None,
                    "text": text,
                    "tact": None,
                    "why": "",
                    "hash": sha256_json({"brief": brief, "text": text}),
                }
            )
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        files.write_text(folder / f"{name}.jsonl", lines)


def loud_adapter(base: Path) -> LoraAdapter:
    """Return an adapter of the upper two blocks of ``base`` that changes what it says."""
    made = LoraAdapter.fresh(widths(base), rank=2, alpha=4, layers=range(1, 3), seed=3)
    generator = torch.Generator().manual_seed(2)
    for name, tensor in made.tensors.items():
        if "lora_B" in name:
            tensor.normal_(std=0.3, generator=generator)
    return made


def tiny_config(folder: Path, scenario: Scenario) -> TuneConfig:
    """Write a tiny base and its data into ``folder``; return the options of a run on them."""
    tiny_base(folder / "base")
    tiny_dataset(folder, scenario)
    return TuneConfig(
        base=str(folder / "base"), train=str(folder / "train.jsonl"),
        validation=str(folder / "validation.jsonl"), layers=2, rank=2, rate=1e-2, warmup=2,
        batch=4, steps=12, look=4, briefs=1, validation_samples=4, checkpoint=4, threads=1,
    )  # fmt: skip
