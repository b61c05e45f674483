"""How much memory and disk a run takes, reckoned from the shape of its base."""

from fencun.tune.base import Base
from fencun.tune.config import TuneConfig
from fencun.tune.forward.decoder import PROJECTIONS, Shape
from fencun.tune.lora import widths
from fencun.tune.machine import Machine
from fencun.tune.runs.loading import rounds

_CHECKPOINTS = 2


def memory_bytes(config: TuneConfig, base: Base, machine: Machine, longest: int) -> int:
    """Return the peak memory: weights as they are held, and one batch's activations.

    Files hold bf16. In eight bits weights are held twice more, as they lie and transposed.
    ``longest`` is the length of the longest sample, in tokens.
    """
    shape = Shape.read(base.folder)
    weights = 2 * shape.vocab * shape.hidden + 2 * _block_weights(base) * shape.layers
    rows = (config.micro or config.batch) * longest
    layers = config.layers or shape.layers
    activations = rows * layers * (8 * shape.hidden + 6 * 6 * shape.hidden) * 4
    held = weights * (1 if machine.bf16 else 2) + weights * rounds(config, machine)
    return int(held * 1.2 + activations + (1 << 30))


def disk_bytes(config: TuneConfig, base: Base, samples: int, tokens: float) -> int:
    """Return what a run leaves: hidden states of lower blocks, checkpoints, the adapter.

    ``samples`` distinct ones of ``tokens`` tokens each, on average.
    """
    shape = Shape.read(base.folder)
    hidden = int(samples * tokens * shape.hidden * 2) if config.layers else 0
    sides = sum(out + inner for out, inner in widths(base.folder).values())
    adapter = 4 * config.rank * sides * (config.layers or shape.layers)
    return hidden + adapter * (3 * _CHECKPOINTS + 1)


def _block_weights(base: Base) -> int:
    sizes = widths(base.folder)
    return sum(sizes[name][0] * sizes[name][1] for name in PROJECTIONS)
