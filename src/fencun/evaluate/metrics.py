"""The numbers people like to look at instead of asking people. Shown in a box; never a verdict.

Standard definitions on characters, as is usual for Chinese: corpus BLEU-4 (Papineni et al.
2002), the F-measure of ROUGE-L (Lin 2004), loss in nats a token and its exponential.
"""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from fencun.grams import grams, jaccard


def bleu(texts: Sequence[str], references: Sequence[str], order: int = 4) -> float:
    """Return corpus BLEU of ``texts``, one reference each, between 0 and 1; 0 without a match."""
    matched, total = [0] * order, [0] * order
    for text, reference in zip(texts, references, strict=True):
        for n in range(1, order + 1):
            mine, theirs = Counter(grams(text, n)), Counter(grams(reference, n))
            matched[n - 1] += (mine & theirs).total()
            total[n - 1] += mine.total()
    if not all(matched):
        return 0.0
    precision = fmean(math.log(m / t) for m, t in zip(matched, total, strict=True))
    length, wanted = sum(map(len, texts)), sum(map(len, references))
    return math.exp(precision + min(0.0, 1.0 - wanted / length))


def rouge_l(text: str, reference: str) -> float:
    """Return the F1 of the longest common subsequence, between 0 and 1."""
    if not text or not reference:
        return 0.0
    common = _common_subsequence(text, reference)
    return 2.0 * common / (len(text) + len(reference))


def _common_subsequence(one: str, other: str) -> int:
    row = [0] * (len(other) + 1)
    for char in one:
        above_left = 0
        for at, against in enumerate(other, start=1):
            above = row[at]
            row[at] = above_left + 1 if char == against else max(above, row[at - 1])
            above_left = above
    return row[-1]


def likeness(texts: Sequence[str]) -> float | None:
    """Return how alike ``texts`` are: mean Jaccard index of 3-gram sets over all pairs."""
    sets = [frozenset(grams(text, 3)) for text in texts]
    pairs = [jaccard(a, b) for at, a in enumerate(sets) for b in sets[at + 1 :] if a | b]
    return fmean(pairs) if pairs else None


def ranking(values: dict[str, float | None], *, high_is_good: bool) -> list[str]:
    """Return the arms that have a value, best first; equal ones in the order given."""
    known = [(arm, value) for arm, value in values.items() if value is not None]
    known.sort(key=lambda pair: -pair[1] if high_is_good else pair[1])
    return [arm for arm, _ in known]


def agreement(one: Sequence[str], other: Sequence[str]) -> float | None:
    """Return Kendall's tau between two rankings of the arms that both hold; None for under two."""
    shared = [arm for arm in one if arm in other]
    if len(shared) < 2:
        return None
    from scipy import stats

    return float(stats.kendalltau(range(len(shared)), [other.index(arm) for arm in shared])[0])
