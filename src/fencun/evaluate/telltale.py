"""How well the arm can be told from the text alone: how far "blind" can be trusted.

A small reader of characters (naive Bayes on pairs of characters) learns on the answers to all
other briefs and then says which of two answers is the tuned one. What it gets right, a rater
who has seen a few can get right too: sides and names are hidden, a voice is not.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fencun.evaluate.rates import Rate, wilson
from fencun.evaluate.table import Floats

_LEAST = 8  # briefs: with fewer there is nothing to learn on


def telltale(one: Mapping[str, str], other: Mapping[str, str]) -> Rate:
    """Return how often the text of ``one`` is told from that of ``other``, brief by brief.

    Both map briefs to texts; briefs with a text of each that differ are asked, each left out
    of what is learnt. Half is chance.
    """
    briefs = sorted(b for b in one if one[b] and other.get(b) and one[b] != other[b])
    if len(briefs) < _LEAST:
        return wilson(0, 0)
    counts = _counts([one[brief] for brief in briefs] + [other[brief] for brief in briefs])
    mine, theirs = counts[: len(briefs)], counts[len(briefs) :]
    right = 0
    for at in range(len(briefs)):
        lean = _log(mine.sum(axis=0) - mine[at]) - _log(theirs.sum(axis=0) - theirs[at])
        right += float(mine[at] @ lean) > float(theirs[at] @ lean)
    return wilson(right, len(briefs))


def _counts(texts: Sequence[str]) -> Floats:
    """Return how often each pair of neighbouring characters stands in each text, (texts, pairs)."""
    pairs = [[text[at : at + 2] for at in range(len(text))] for text in texts]
    place = {pair: n for n, pair in enumerate(sorted({p for found in pairs for p in found}))}
    counts = np.zeros((len(texts), len(place)))
    for row, found in enumerate(pairs):
        for pair in found:
            counts[row, place[pair]] += 1.0
    return counts


def _log(counts: Floats) -> Floats:
    smoothed = counts + 0.5
    logs: Floats = np.log(smoothed / smoothed.sum())
    return logs
