"""Does an answer repeat a training line? Compared with lines by people that were not trained on."""

from collections.abc import Sequence

from fencun.grams import gram_set, jaccard, longest_common

_GRAM = 3
# Short texts are a fifth or a quarter alike by their opening words: that is no echo.
_ALIKE = 0.35


class Echo:
    """The training texts, and how much of them unseen human texts hold by chance."""

    def __init__(self, training: Sequence[str], unseen: Sequence[str]) -> None:
        self._all = "\n".join(training)
        self._training = list(training)
        self._grams = [gram_set(text, _GRAM) for text in training]
        self.usual_run = _upper([self.longest_run(text) for text in unseen], 12)
        alike = _upper([self.nearest(text)[0] for text in unseen], _ALIKE)
        self.usual_likeness = max(_ALIKE, alike)

    def longest_run(self, text: str) -> int:
        """Return the length in characters of the longest piece that a training text holds too."""
        return longest_common(text, self._all)

    def nearest(self, text: str) -> tuple[float, str]:
        """Return the Jaccard likeness (0 to 1, of character 3-grams) of the nearest training text.

        The text itself comes with it; 0 and an empty text where there is no training text.
        """
        grams = gram_set(text, _GRAM)
        best = (0.0, "")
        for known, other in zip(self._grams, self._training, strict=True):
            likeness = jaccard(grams, known)
            if likeness > best[0]:
                best = (likeness, other)
        return best

    def repeats(self, text: str) -> bool:
        """Return whether ``text`` is nearer to the training texts than 95 % of unseen human ones.

        Either it holds a longer piece of them, or as a whole it is more like one of them and
        not by its opening words alone.
        """
        return (
            self.longest_run(text) > self.usual_run or self.nearest(text)[0] > self.usual_likeness
        )


def _upper(values: Sequence[float], fallback: float) -> float:
    """Return what 95 % of ``values`` do not exceed."""
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))] if values else fallback
