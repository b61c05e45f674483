"""Which samples a small base can learn from: the plainly written ones.

A base of one or two billion parameters takes over the voice of every sample, but not the leaps
of the boldest: it copies their shape and lands nowhere. Reading the data with the base itself
would cost half a training run, so plainness is told from the data: how well the other samples'
answers, and the brief, foretell an answer's characters (an interpolated 3-gram model).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

_DISCOUNT = 0.75
_BRIEF = 0.35  # how often a character follows as it did in the brief


def plainest(
    texts: Sequence[str], briefs: Sequence[str], strata: Sequence[str], share: float
) -> list[int]:
    """Return the indices of the plainest ``share`` of every stratum, in their old order.

    ``texts`` are the answers, ``briefs`` what each answers, ``strata`` what must keep its
    proportions (lengths and relations): at least one of each is kept.
    """
    surprise = surprises(texts, briefs)
    members: dict[str, list[int]] = defaultdict(list)
    for index, stratum in enumerate(strata):
        members[stratum].append(index)
    kept = []
    for group in members.values():
        count = max(1, round(share * len(group)))
        kept += sorted(group, key=lambda index: (surprise[index], index))[:count]
    return sorted(kept)


def surprises(texts: Sequence[str], briefs: Sequence[str]) -> list[float]:
    """Return the mean surprise of each text, in nats a character, by all the other texts."""
    counts = _Counts(texts)
    return [counts.surprise(text, brief) for text, brief in zip(texts, briefs, strict=True)]


class _Counts:
    """Counts of n-grams and of what can follow them, over all texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._grams = [Counter[str]() for _ in range(3)]
        self._histories = [Counter[str]() for _ in range(3)]
        self._kinds = [Counter[str]() for _ in range(3)]
        for text in texts:
            for order, history, gram in _grams(text):
                self._kinds[order][history] += gram not in self._grams[order]
                self._grams[order][gram] += 1
                self._histories[order][history] += 1

    def surprise(self, text: str, brief: str) -> float:
        """Return the surprise of ``text``, its own counts taken out."""
        own = [Counter[str]() for _ in range(3)]
        own_histories = [Counter[str]() for _ in range(3)]
        for order, history, gram in _grams(text):
            own[order][gram] += 1
            own_histories[order][history] += 1
        asked = {brief[i : i + 2] for i in range(len(brief) - 1)}
        total = 0.0
        probability = 1.0
        for order, history, gram in _grams(text):
            if order == 0:
                probability = 1 / (len(self._grams[0]) + 1)
            seen = self._grams[order][gram] - own[order][gram]
            histories = self._histories[order][history] - own_histories[order][history]
            if histories > 0:
                spare = _DISCOUNT * min(histories, self._kinds[order][history])
                found = max(0.0, seen - _DISCOUNT)
                probability = (found + spare * probability) / histories
            if order == 2:
                if gram[1:] in asked:
                    probability = _BRIEF + (1 - _BRIEF) * probability
                total -= math.log(min(1.0, probability))
        return total / max(1, len(text))


def _grams(text: str) -> list[tuple[int, str, str]]:
    """Return (order, history, n-gram) for orders 0 to 2 of every character in turn."""
    padded = f"\x02\x02{text}"
    return [
        (order, padded[place - order : place], padded[place - order : place + 1])
        for place in range(2, len(padded))
        for order in range(3)
    ]
