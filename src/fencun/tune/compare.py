"""Two adapters, or an adapter and the bare base, on one brief: each writes greedily."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from fencun.adapter import read_adapter
from fencun.brief import Brief
from fencun.errors import FencunError
from fencun.gates.gate import Finding
from fencun.gates.registry import Gates
from fencun.models.embedded import EmbeddedEngine
from fencun.models.engine import Decoding
from fencun.models.installed import locate
from fencun.prompt import messages
from fencun.tune.base import TunableBase, find_base
from fencun.tune.compatibility import check_fits
from fencun.tune.examples import prompt_ids
from fencun.tune.formats.gguf import export_gguf
from fencun.tune.forward.decoder import Shape
from fencun.tune.forward.greedy import greedy
from fencun.tune.forward.student import Student
from fencun.tune.lora import CONFIG, LoraAdapter, weights_of
from fencun.tune.machine import look_around
from fencun.tune.runs.folder import base_of_run

BARE = "base"
_GREEDY = Decoding(temperature=0.0, top_k=1, max_tokens=240)


@dataclass(frozen=True)
class Side:
    """Who writes: the base alone, or with an adapter (weights, or a GGUF that ships) at ``scale``.

    ``base`` is the name of the base it was made for, empty where unknown.
    """

    name: str
    adapter: LoraAdapter | None = None
    gguf: Path | None = None
    scale: float = 1.0
    base: str = ""


@dataclass(frozen=True)
class Written:
    """What one side wrote, and what the gates say of it."""

    name: str
    text: str
    findings: tuple[Finding, ...]


def open_side(name: str) -> Side:
    """Return the side called ``name``: a folder of a run or of an adapter, or ``base``.

    Raises:
        FencunError: there is no adapter in that folder.
    """
    if name == BARE:
        return Side(name)
    folder = Path(name)
    weights = weights_of(folder)
    if not (weights / CONFIG).exists() and (shipped := read_adapter(folder)):
        return Side(name, gguf=shipped.gguf, scale=shipped.scale, base=shipped.base)
    adapter = LoraAdapter.load(weights)
    return Side(name, adapter, base=base_of_run(folder))


def compare(names: Sequence[str], brief: Brief, base_name: str = "") -> list[Written]:
    """Have every side write for ``brief``; the base is that of the adapters if not named.

    Raises:
        FencunError: the sides belong to different bases, or one holds no adapter.
    """
    sides = [open_side(name) for name in names]
    bases = {side.base for side in sides} - {""}
    if len(bases) > 1 and not base_name:
        raise FencunError(
            f"这几个适配器的底座不一样（{'、'.join(sorted(bases))}），没法比。",
            f"These adapters belong to different bases ({', '.join(sorted(bases))}).",
        )
    texts = _write_all(sides, brief, base_name or next(iter(bases), ""))
    gates = Gates(brief.scenario)
    return [
        Written(side.name, text, tuple(gates.check(text, brief)))
        for side, text in zip(sides, texts, strict=True)
    ]


def _write_all(sides: Sequence[Side], brief: Brief, base_name: str) -> list[str]:
    """A base that is a GGUF is not de-quantised: the engine that serves writes."""
    if not any(side.adapter for side in sides) and not Path(base_name or "-").is_dir():
        return _through_engine(sides, brief, locate(base_name or None).path, None)
    base = find_base(base_name)
    for side in sides:
        if side.adapter:
            check_fits(side.adapter, base, Path(side.name))
    if base.gguf is None:
        return _through_student(sides, brief, base)
    return _through_engine(sides, brief, base.gguf, base)


def _through_engine(
    sides: Sequence[Side], brief: Brief, model: Path, base: TunableBase | None
) -> list[str]:
    """The engine that serves loads one adapter: one engine a side, one after the other."""
    with tempfile.TemporaryDirectory() as temporary:
        texts = []
        for number, side in enumerate(sides):
            gguf = side.gguf
            if side.adapter and base:
                gguf = export_gguf(side.adapter, base, Path(temporary) / f"{number}.gguf")
            texts.append(asyncio.run(_ask(model, gguf, brief, side.scale)))
        return texts


async def _ask(model: Path, adapter: Path | None, brief: Brief, scale: float) -> str:
    engine = EmbeddedEngine(model, adapters=[adapter] if adapter else [], parallel=1)
    try:
        decoding = replace(_GREEDY, adapter_scale=scale)
        return (await engine.complete(messages(brief, "tuned"), decoding)).text.strip()
    finally:
        await engine.aclose()


def _through_student(sides: Sequence[Side], brief: Brief, base: TunableBase) -> list[str]:
    from transformers import AutoTokenizer

    if any(side.gguf for side in sides):
        raise FencunError(
            "这个适配器只有 GGUF，要和它的 GGUF 底座一起用。",
            "This adapter is GGUF only and goes with its GGUF base.",
        )
    tokenizer: Any = AutoTokenizer.from_pretrained(base.folder)
    machine = look_around()
    layers = Shape.read(base.folder).layers
    first = min((min(side.adapter.layers) for side in sides if side.adapter), default=layers - 1)
    dtype = torch.bfloat16 if machine.bf16 else torch.float32
    student = Student(base.folder, first, (), int8=False, dtype=dtype, device=machine.device)
    prompt = prompt_ids(tokenizer, messages(brief, "tuned"))
    stop = int(tokenizer.eos_token_id)
    written = [greedy(student, side.adapter, prompt, stop=stop) for side in sides]
    return [tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in written]
