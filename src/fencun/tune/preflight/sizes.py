"""How much memory and disk a run takes, reckoned from the shape of its base."""

from fencun.tune.base import TunableBase
from fencun.tune.config import TuneConfig
from fencun.tune.forward.decoder import PROJECTIONS, Shape
from fencun.tune.lora import widths
from fencun.tune.machine import Machine
from fencun.tune.runs.loading import rounds

_CHECKPOINTS = 2
_PROGRAMS = 700 << 20  # Python, torch, the data, and one weight on its way
_CHINESE = 0.19  # share of Qwen's vocabulary that is Chinese text
_COPIES = 4  # of a large matrix at the same time


def memory_bytes(
    config: TuneConfig, base: TunableBase, machine: Machine, tokens: int, answers: int
) -> int:
    """Return the peak memory in bytes: what is held throughout, and the heaviest forward pass.

    That has ``tokens`` tokens in all its samples together, ``answers`` of them answers.
    """
    return _held(config, base, machine) + _passing(config, base, machine, tokens, answers)


def _held(config: TuneConfig, base: TunableBase, machine: Machine) -> int:
    """Return the bytes of the programs, the base, the adapter and what AdamW keeps of it.

    In eight bits a weight is held twice, packed for each direction; the lower blocks, which
    learn nothing, once. What is read now and then is mapped from its file and let go again:
    so is every weight that a CPU without bfloat16 has to widen.
    """
    shape = Shape.read(base.folder)
    adapted = config.layers or shape.layers
    if rounds(config, machine):
        blocks = _block_weights(base) * (shape.layers + adapted)
    elif machine.device == "cpu" and not machine.bf16:
        blocks = 0
    else:
        blocks = _block_weights(base) * shape.layers * _width(machine)
    head = _rows(config, shape) * shape.hidden * _width(machine)
    sides = sum(out + inner for out, inner in widths(base.folder).values())
    adapter = config.rank * sides * adapted * (4 * 4 + 2 * _width(machine))
    return _PROGRAMS + blocks + head + adapter


def _passing(
    config: TuneConfig, base: TunableBase, machine: Machine, tokens: int, answers: int
) -> int:
    """Return the bytes that one forward pass and its gradients come to.

    Rows that learn keep what their gradients need: of the MLP four times its width, and of the
    rest as much as was counted in a block of Qwen2's shape. The others are read block by block.
    """
    shape = Shape.read(base.folder)
    inner, width = widths(base.folder)["up_proj"][0], _width(machine)
    learning = tokens if config.through_prompt else answers
    kept = width * (4 * inner + 11 * shape.hidden) + 8 * shape.hidden
    keys = 2 * width * shape.kv_heads * shape.head_dim * shape.layers
    logits = answers * _rows(config, shape) * (width + _COPIES * 4)
    reading = tokens * inner * width * _COPIES
    return learning * (config.layers or shape.layers) * kept + tokens * keys + logits + reading


def _rows(config: TuneConfig, shape: Shape) -> int:
    """Return about how many rows of the head are computed."""
    return int(shape.vocab * (_CHINESE if config.vocabulary == "chinese" else 1))


def _width(machine: Machine) -> int:
    return 2 if machine.bf16 else 4


def disk_bytes(config: TuneConfig, base: TunableBase, samples: int, tokens: float) -> int:
    """Return what a run leaves: hidden states of lower blocks, checkpoints, the adapter.

    ``samples`` distinct ones of ``tokens`` tokens each, on average.
    """
    shape = Shape.read(base.folder)
    hidden = int(samples * tokens * shape.hidden * 2) if config.layers else 0
    sides = sum(out + inner for out, inner in widths(base.folder).values())
    adapter = 4 * config.rank * sides * (config.layers or shape.layers)
    return hidden + adapter * (3 * _CHECKPOINTS + 1)


def _block_weights(base: TunableBase) -> int:
    sizes = widths(base.folder)
    return sum(sizes[name][0] * sizes[name][1] for name in PROJECTIONS)
