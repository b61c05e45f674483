"""The peer one writes in an afternoon: transformers + peft, padded batches, ``model().loss``."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample
from fencun.tune.forward.decoder import PROJECTIONS

Step = Callable[[Sequence[TrainingExample]], float]


def with_lora(base: Any, config: TuneConfig) -> Any:
    """Return ``base`` with a LoRA of the rank of ``config`` on every projection."""
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(r=config.rank, lora_alpha=int(config.alpha), target_modules=list(PROJECTIONS))
    return get_peft_model(base, lora)


def peft_step(model: Any, config: TuneConfig, padding: int, device: str = "cpu") -> Step:
    """Return a training step of ``model``; it returns the mean loss in nats a token."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.rate)

    def step(batch: Sequence[TrainingExample]) -> float:
        ids, mask, labels = padded(batch, padding)
        loss = model(
            input_ids=ids.to(device), attention_mask=mask.to(device), labels=labels.to(device)
        ).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())

    return step


def padded(batch: Sequence[TrainingExample], padding: int) -> tuple[torch.Tensor, ...]:
    """Return ids, attention mask and labels of a batch, each (samples, longest)."""
    whole = [(*example.prompt, *example.answer) for example in batch]
    longest = max(map(len, whole))
    ids = torch.full((len(batch), longest), padding)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for row, (example, tokens) in enumerate(zip(batch, whole, strict=True)):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
        labels[row, len(example.prompt) : len(tokens)] = torch.tensor(example.answer)
    return ids, mask, labels
