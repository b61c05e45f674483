"""The order in which samples are seen: a pure function of seed and epoch, so nothing to save."""

import random
from collections import defaultdict
from collections.abc import Sequence


def epoch_order(
    strata: Sequence[str], *, seed: int, epoch: int, groups: Sequence[str] = ()
) -> list[int]:
    """Return a permutation of the samples, whose strata (relations) are ``strata``.

    The first round holds one sample of every stratum; after that each stratum is spread
    evenly over the epoch, so that a run cut short anywhere has seen all in their proportions.
    Samples of one group (``groups``, one name a sample; all apart where empty) follow each
    other, in the place of the first: two briefs that differ in who did it for whom are learnt
    side by side.
    """
    rng = random.Random(f"{seed}/{epoch}")
    together: dict[str, list[int]] = defaultdict(list)
    for index in range(len(strata)):
        together[groups[index] if groups else str(index)].append(index)
    members: dict[str, list[int]] = defaultdict(list)
    for first, *_ in together.values():
        members[strata[first]].append(first)
    placed = []
    for stratum in sorted(members):
        group = members[stratum]
        rng.shuffle(group)
        placed += [(rank / len(group), rng.random(), index) for rank, index in enumerate(group)]
    leading = [index for _, _, index in sorted(placed)]
    if not groups:
        return leading
    return [index for first in leading for index in together[groups[first]]]


def batch_at(
    strata: Sequence[str], *, seed: int, step: int, size: int, groups: Sequence[str] = ()
) -> list[int]:
    """Return the sample indices of batch ``step`` (from 0); batches run on across epochs."""
    count = len(strata)
    wanted = range(step * size, (step + 1) * size)
    orders = {
        epoch: epoch_order(strata, seed=seed, epoch=epoch, groups=groups)
        for epoch in {place // count for place in wanted}
    }
    return [orders[place // count][place % count] for place in wanted]
