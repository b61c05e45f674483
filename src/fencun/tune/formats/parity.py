"""Does an export still say the same? Greedy answers through GGUF, transformers and merged weights.

The embedded engine writes greedily with the adapter on and off; transformers (with PEFT, in
float32) and the merged weights then read what it wrote. Where the weights are the same, each
finds the first token likeliest and the text as probable as the engine did.
"""

import asyncio
import gc
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fencun.errors import ModelError
from fencun.models.embedded import EmbeddedEngine
from fencun.models.engine import Completion, Decoding, Engine, Message
from fencun.tune.base import TunableBase
from fencun.tune.examples import answer_ids, prompt_ids

FIRST_TOKENS = 0.8
GAP_LIMIT = 0.15
_GREEDY = Decoding(
    temperature=0.0,
    top_k=1,
    top_p=1.0,
    min_p=0.0,
    repeat_penalty=1.0,
    max_tokens=160,
    logprobs=True,
)


@dataclass(frozen=True)
class WeightsReading:
    """How one set of weights reads the engine's answers, with the adapter on.

    ``first_token`` is the share of prompts whose first token it finds likeliest too; ``gap``
    the mean absolute difference of the mean log-probability a token, in nats.
    """

    first_token: float
    gap: float

    @property
    def agrees(self) -> bool:
        """Whether these can be the same weights, up to quantisation."""
        return self.first_token >= FIRST_TOKENS and self.gap <= GAP_LIMIT


@dataclass(frozen=True)
class Parity:
    """The outcome. ``changed`` is the share of prompts whose answer the adapter changes."""

    prompts: int
    changed: float
    readings: dict[str, WeightsReading]

    @property
    def holds(self) -> bool:
        """Whether the adapter does something, and the same thing everywhere."""
        return self.changed > 0 and all(reading.agrees for reading in self.readings.values())

    def to_json(self) -> dict[str, Any]:
        """Return the numbers for a manifest."""
        return {**asdict(self), "holds": self.holds}


def parity_words(found: dict[str, Any]) -> tuple[str, str]:
    """Return what a parity check ``found`` as a sentence, in Chinese and in English."""
    names = {"peft": ("PEFT", "PEFT"), "merged": ("合并的权重", "the merged weights")}
    zh = "核对通过" if found["holds"] else "核对没有通过"
    en = "Parity holds" if found["holds"] else "Parity fails"
    zh += f"：{found['prompts']} 个需求，适配器改变了其中 {found['changed']:.0%} 的回答"
    en += f": {found['prompts']} briefs, {found['changed']:.0%} of the answers changed"
    for name, reading in found["readings"].items():
        first, gap = reading["first_token"], reading["gap"]
        zh += f"；和{names[name][0]}相比，首词一致 {first:.0%}，每词平均差 {gap:.3f} 奈特"
        en += f"; beside {names[name][1]} {first:.0%} of first tokens agree, {gap:.3f} nats a token"
    return f"{zh}。", f"{en}."


def check_parity(
    base: TunableBase,
    tokenizer: Any,
    chats: Sequence[Sequence[Message]],
    *,
    gguf: Path,
    peft: Path,
    merged: Path | None = None,
    scale: float = 1.0,
) -> Parity:
    """Compare the exports of one adapter on ``chats``.

    Raises:
        ModelError: the adapter changes nothing, or an export says something else.
        EngineError: the embedded engine cannot load the adapter.
    """
    if base.gguf is None:
        raise ModelError(
            "底座不是 GGUF，内置引擎没法比对。",
            "The base is no GGUF, so the embedded engine cannot be compared.",
        )
    on, off = asyncio.run(_through_engine(base.gguf, gguf, chats, scale))
    changed = sum(a.text != b.text for a, b in zip(on, off, strict=True)) / len(chats)
    readings = {"peft": _read(_with_peft(base.folder, peft, scale), tokenizer, chats, on)}
    if merged is not None:
        readings["merged"] = _read(_plain(merged), tokenizer, chats, on)
    parity = Parity(len(chats), changed, readings)
    if not parity.holds:
        zh, en = parity_words(parity.to_json())
        raise ModelError(f"这份导出不能用。{zh}", f"This export must not be used. {en}")
    return parity


async def _through_engine(
    model: Path, adapter: Path, chats: Sequence[Sequence[Message]], scale: float
) -> tuple[list[Completion], list[Completion]]:
    engine = EmbeddedEngine(model, adapters=[adapter], parallel=1)
    try:
        on = [await _greedy(engine, chat, scale) for chat in chats]
        off = [await _greedy(engine, chat, 0.0) for chat in chats]
    finally:
        await engine.aclose()
    return on, off


async def _greedy(engine: Engine, chat: Sequence[Message], scale: float) -> Completion:
    decoding = Decoding(**{**asdict(_GREEDY), "adapter_scale": scale})
    return await engine.complete(chat, decoding)


def _with_peft(folder: Path, adapter: Path, scale: float) -> Any:
    from peft import PeftModel

    model: Any = PeftModel.from_pretrained(_plain(folder), adapter)
    for module in model.modules():
        if hasattr(module, "scaling") and hasattr(module, "lora_A"):
            module.scaling = {name: value * scale for name, value in module.scaling.items()}
    return model.eval()


def _plain(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval()


def _read(
    model: Any,
    tokenizer: Any,
    chats: Sequence[Sequence[Message]],
    answers: Sequence[Completion],
) -> WeightsReading:
    firsts, gaps = [], []
    for chat, answer in zip(chats, answers, strict=True):
        prompt = prompt_ids(tokenizer, chat)
        ids = answer_ids(tokenizer, answer.text)[:-1]
        rows = _log_probabilities(model, prompt, ids)
        firsts.append(int(rows[0].argmax()) == ids[0])
        chosen = rows.gather(1, torch.tensor(ids)[:, None])
        theirs = answer.mean_logprob if answer.mean_logprob is not None else math.nan
        gaps.append(abs(float(chosen.mean()) - theirs))
    del model
    gc.collect()
    return WeightsReading(sum(firsts) / len(firsts), sum(gaps) / len(gaps))


def _log_probabilities(model: Any, prompt: Sequence[int], ids: Sequence[int]) -> Tensor:
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *ids[:-1]]])).logits[0]
    wanted: Tensor = logits[len(prompt) - 1 :].float().log_softmax(-1)
    return wanted
