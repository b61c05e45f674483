"""What a run trains with: the student, loaded as the machine suits, and the adapter."""

from pathlib import Path
from typing import Any

import torch

from fencun import files
from fencun.errors import FencunError
from fencun.home import home
from fencun.tune.base import TunableBase
from fencun.tune.compatibility import check_fits
from fencun.tune.config import TuneConfig
from fencun.tune.examples import shared_prefix
from fencun.tune.formats.opening import open_adapter
from fencun.tune.forward.decoder import Shape, Weights
from fencun.tune.forward.student import Student
from fencun.tune.forward.vocabulary import chinese_vocabulary
from fencun.tune.lora import LoraAdapter, widths
from fencun.tune.machine import Machine, look_around
from fencun.tune.material import Material
from fencun.tune.runs.watch import canary_examples


def rounds(config: TuneConfig, machine: Machine) -> bool:
    """Return whether frozen products run in 8-bit integers."""
    return machine.device == "cpu" and (
        config.int8 == "on" or (config.int8 == "auto" and machine.int8)
    )


def build_student(
    material: Material[Any], machine: Machine, *, weights: Weights | None = None
) -> Student:
    """Load the base as the options ask, with the hidden states of its lower blocks cached.

    ``weights`` are those of the base where its folder holds none.

    Raises:
        FencunError: more layers are asked for than the base has.
    """
    config = material.config
    torch.set_num_threads(config.threads or machine.cores)
    shape = Shape.read(material.base.folder)
    first = shape.layers - config.layers if config.layers else 0
    if first < 0:
        raise FencunError(
            f"底座只有 {shape.layers} 层，layers 不能是 {config.layers}。",
            f"The base has {shape.layers} layers; layers cannot be {config.layers}.",
        )
    sequences = [*material.examples.sequences, *canary_examples(material.tokenizer)]
    prefix = shared_prefix(sequences)
    int8 = rounds(config, machine)
    wanted = None
    if config.vocabulary == "chinese":
        wanted = chinese_vocabulary(material.tokenizer, sequences)
    facts = {"base": material.base.sha256, "first": first, "prefix": prefix}
    facts |= {"products": "int8" if int8 else "exact", "bf16": machine.bf16}
    return Student(
        material.base.folder,
        first,
        prefix,
        int8=int8,
        through_prompt=config.through_prompt,
        vocabulary=wanted,
        cache=home() / "cache" / "hidden" / files.sha256_json(facts)[:16] if first else None,
        dtype=torch.bfloat16 if machine.bf16 else torch.float32,
        device=machine.device,
        weights=weights,
    )


def starting_adapter(config: TuneConfig, base: TunableBase) -> LoraAdapter:
    """Return the adapter that a run of ``config`` starts with, where it runs; gradients on.

    Raises:
        FencunError: the adapter to go on from does not fit the base or the options.
    """
    count = Shape.read(base.folder).layers
    layers = range(count - config.layers if config.layers else 0, count)
    if config.start:
        adapter = _begun_adapter(config, base, tuple(layers))
    else:
        adapter = LoraAdapter.fresh(
            widths(base.folder),
            rank=config.rank,
            alpha=config.alpha,
            layers=layers,
            seed=config.seed,
        )
    device = look_around().device
    adapter.tensors = {
        name: tensor.to(device).requires_grad_() for name, tensor in adapter.tensors.items()
    }
    return adapter


def _begun_adapter(config: TuneConfig, base: TunableBase, layers: tuple[int, ...]) -> LoraAdapter:
    adapter = open_adapter(Path(config.start))
    check_fits(adapter, base, Path(config.start))
    had = (adapter.rank, adapter.alpha, adapter.layers)
    if had != (config.rank, config.alpha, layers):
        raise FencunError(
            f"{config.start} 的秩、alpha 或层数（{had[0]}、{had[1]:g}、{len(had[2])}）"
            "和这次的配置不一样；只能接着训最上面连续几层的适配器。",
            f"Rank, alpha or layers of {config.start} ({had[0]}, {had[1]:g}, {len(had[2])}) "
            "are not those of this run; only an adapter of the uppermost layers, without gaps, "
            "can be gone on from.",
        )
    return adapter
