"""TRL's SFTTrainer over given tokens; runs where TRL is installed, and needs nothing of Fencun.

Called by ``benchmarks/tune.py`` with a JSON file: ``folder`` of the base, ``random`` where only
its config.json is there, ``rank``, ``alpha``, ``rate``, ``batch``, ``bf16``, ``targets``, and
``rows`` in order (``input_ids`` and ``completion_mask``). Writes to the file named second the
``seconds`` and ``losses`` of the steps, and the ``memory`` of the GPU (0 on a CPU), in bytes.
"""

import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from tokenizers import Tokenizer, models
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    TrainerCallback,
)
from trl import SFTConfig, SFTTrainer


class Clock(TrainerCallback):
    """Keeps when each step ended, and its loss."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.losses: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter())

    def on_log(self, *_: Any, logs: dict[str, float] | None = None, **__: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))


def load(work: dict[str, Any], device: str) -> tuple[Any, Any]:
    """Return the model and its tokenizer; of random weights a tokenizer that only pads."""
    dtype = torch.bfloat16 if work["bf16"] else torch.float32
    if not work["random"]:
        model = AutoModelForCausalLM.from_pretrained(work["folder"], dtype=dtype)
        return model, AutoTokenizer.from_pretrained(work["folder"])
    words = Tokenizer(models.WordLevel({"<pad>": 0, "<end>": 1}, unk_token="<pad>"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<end>"
    )
    torch.manual_seed(0)
    with torch.device(device):
        config = AutoConfig.from_pretrained(work["folder"])
        return AutoModelForCausalLM.from_config(config, dtype=dtype), tokenizer


def train(work: dict[str, Any]) -> dict[str, Any]:
    """Train over the rows once, in order; on a GPU with TRL's own default of recomputing."""
    cpu = not torch.cuda.is_available()
    model, tokenizer = load(work, "cpu" if cpu else "cuda")
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(
                output_dir=folder, per_device_train_batch_size=work["batch"], num_train_epochs=1,
                learning_rate=work["rate"], lr_scheduler_type="constant", bf16=work["bf16"],
                use_cpu=cpu, dataloader_pin_memory=not cpu, gradient_checkpointing=not cpu,
                train_sampling_strategy="sequential", completion_only_loss=True,
                logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True,
            ),
            train_dataset=Dataset.from_list(work["rows"]),
            processing_class=tokenizer,
            peft_config=LoraConfig(
                r=work["rank"], lora_alpha=work["alpha"], target_modules=work["targets"]
            ),
            callbacks=[clock],
        )  # fmt: skip
        trainer.train()
    return {
        "seconds": [after - before for before, after in pairwise(clock.ends)],
        "losses": clock.losses,
        "memory": 0 if cpu else torch.cuda.max_memory_allocated(),
    }


if __name__ == "__main__":
    given, out = map(Path, sys.argv[1:])
    out.write_text(json.dumps(train(json.loads(given.read_text(encoding="utf-8")))))
