"""Which rater sees what: balanced sets, sides by chance, a few pairs shown again.

Pure: takes counts, gives positions. The ballot box and the simulated studies draw alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fencun.evaluate.table import Bools, Floats, Ints

_SHARED = 0.2
_REPEATED = 0.2  # six of thirty: with three, not even contradicting all of them would show
_APART = 8


@dataclass(frozen=True, slots=True)
class Items:
    """All questions of a study: brief and two arms each, shape (m,), ``low`` below ``high``.

    ``draw`` says which text of each arm is shown: an arm may have written several for a brief.
    ``weight`` is how often an item should be seen relative to others; ``shared`` marks the
    few that everybody meets, from which agreement between raters is measured.
    """

    brief: Ints
    low: Ints
    high: Ints
    draw: Ints
    weight: Floats
    shared: Bools

    def __len__(self) -> int:
        return len(self.brief)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One ballot: item index, whether the higher arm stands left, and which ballot it repeats."""

    item: int
    swapped: bool
    repeats: int | None = None


def items(
    askable: Sequence[tuple[int, int, int, int]],
    decisive: set[tuple[int, int]],
    often: float,
    *,
    shared: int,
    random: np.random.Generator,
) -> Items:
    """Return the items of (brief, low arm, high arm, draw).

    Pairs in ``decisive`` are asked ``often`` times as often as others; ``shared`` of them
    (spread over briefs) are marked for everybody.
    """
    brief, low, high, draw = (
        np.array([asked[column] for asked in askable], dtype=np.int64) for column in range(4)
    )
    central = np.array([(a, b) in decisive for _, a, b, _ in askable], dtype=np.bool_)
    marked = np.zeros(len(askable), dtype=np.bool_)
    pool = np.flatnonzero(central if central.any() else np.ones(len(askable), dtype=np.bool_))
    seen: set[int] = set()
    for index in random.permutation(pool):
        if len(seen) >= shared:
            break
        if int(brief[index]) not in seen:
            seen.add(int(brief[index]))
            marked[index] = True
    return Items(brief, low, high, draw, np.where(central, often, 1.0), marked)


def draw(questions: Items, seen: Ints, *, ballots: int, random: np.random.Generator) -> list[Drawn]:
    """Return one rater's ballots, in the order to be shown; repeats come well after the first.

    ``seen`` counts how often each item was handed out before, shape (m,): the least seen
    come first, so that sets differ and stay balanced. ``ballots`` counts repeats too.
    """
    repeats = int(ballots * _REPEATED) if ballots >= 2 * _APART else 0
    wanted = min(len(questions), ballots - repeats)
    due = seen / questions.weight + random.random(len(questions)) * 1e-3
    chosen = _pick(questions, np.where(questions.shared, due, np.inf), int(wanted * _SHARED), set())
    taken = {int(questions.brief[index]) for index in chosen}
    chosen += _pick(questions, np.where(questions.shared, np.inf, due), wanted - len(chosen), taken)
    if len(chosen) < wanted:  # more ballots than briefs: a brief comes back with other arms
        left = np.isin(np.arange(len(questions)), chosen)
        chosen += _pick(questions, np.where(left, np.inf, due), wanted - len(chosen), None)
    order = random.permutation(chosen)
    sides = random.random(len(order)) < 0.5
    drawn = [Drawn(int(i), bool(side)) for i, side in zip(order, sides, strict=True)]
    again = random.permutation(max(0, len(drawn) - _APART))[:repeats]
    return drawn + [Drawn(drawn[i].item, not drawn[i].swapped, int(i)) for i in sorted(again)]


def _pick(questions: Items, due: Floats, count: int, taken: set[int] | None) -> list[int]:
    """Return up to ``count`` items, most due first, no brief twice (unless ``taken`` is None)."""
    picked: list[int] = []
    for index in np.argsort(due):
        if len(picked) >= count or np.isinf(due[index]):
            break
        brief = int(questions.brief[index])
        if taken is not None:
            if brief in taken:
                continue
            taken.add(brief)
        picked.append(int(index))
    return picked
