"""The order in which samples are seen: a pure function of seed and epoch, so nothing to save."""

import random
from collections import defaultdict
from collections.abc import Sequence


def epoch_order(strata: Sequence[str], *, seed: int, epoch: int) -> list[int]:
    """Return a permutation of the samples, whose strata (relations) are ``strata``.

    The first round holds one sample of every stratum; after that each stratum is spread
    evenly over the epoch, so that a run cut short anywhere has seen all in their proportions.
    """
    rng = random.Random(f"{seed}/{epoch}")
    members: dict[str, list[int]] = defaultdict(list)
    for index, stratum in enumerate(strata):
        members[stratum].append(index)
    placed = []
    for stratum in sorted(members):
        group = members[stratum]
        rng.shuffle(group)
        placed += [(rank / len(group), rng.random(), index) for rank, index in enumerate(group)]
    return [index for _, _, index in sorted(placed)]


def batch_at(strata: Sequence[str], *, seed: int, step: int, size: int) -> list[int]:
    """Return the sample indices of batch ``step`` (from 0); batches run on across epochs."""
    count = len(strata)
    wanted = range(step * size, (step + 1) * size)
    orders = {
        epoch: epoch_order(strata, seed=seed, epoch=epoch)
        for epoch in {place // count for place in wanted}
    }
    return [orders[place // count][place % count] for place in wanted]
