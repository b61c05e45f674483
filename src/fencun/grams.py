"""What texts share: characters without punctuation, n-grams of them, and how far they overlap.

Counting only. How alike is too alike is for the rule that asks: see ``data/overlap.py`` and
``data/likeness.py`` for lines of data, ``gates/copying.py`` and ``gates/leak.py`` for one text,
``writer.py`` for the texts of one writing, ``tune/runs/echo.py`` for learning by heart.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from difflib import SequenceMatcher

_NOT_WORD = re.compile(r"[\W_]+")


def words_only(text: str) -> str:
    """Return ``text`` without punctuation and white space."""
    return _NOT_WORD.sub("", text)


def grams(text: str, n: int) -> list[str]:
    """Return every n-gram of ``text`` in order, as it stands; none where it is shorter."""
    return [text[at : at + n] for at in range(len(text) - n + 1)]


def gram_set(text: str, n: int) -> frozenset[str]:
    """Return the different n-grams of ``text``, as it stands.

    A text that is shorter is one itself, so that no set is empty and short texts compare.
    """
    return frozenset(grams(text, n) or (text,))


def jaccard(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """Return what share of all members both have, between 0 and 1; 0 for two empty sets."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def longest_common(text: str, other: str) -> int:
    """Return the length, in characters, of the longest piece of ``text`` that ``other`` holds."""
    longest = 0
    for start in range(len(text)):
        while start + longest < len(text) and text[start : start + longest + 1] in other:
            longest += 1
    return longest


def common_pieces(text: str, other: str, least: int) -> list[tuple[int, int]]:
    """Return start and end of the maximal pieces of ``text``, ``least`` long, found in ``other``.

    Pieces are taken greedily from the left and do not overlap.
    """
    known = frozenset(grams(other, least))
    pieces: list[tuple[int, int]] = []
    if known.isdisjoint(grams(text, least)):
        return pieces
    start = 0
    while start + least <= len(text):
        if text[start : start + least] not in known:
            start += 1
            continue
        end = start + least
        while end < len(text) and text[start : end + 1] in other:
            end += 1
        pieces.append((start, end))
        start = end
    return pieces


def alike(one: str, other: str, degree: float) -> bool:
    """Whether two texts, punctuation aside, have a difflib ratio of ``degree`` or more."""
    one, other = words_only(one), words_only(other)
    total = len(one) + len(other)

    def may_be(matched: int) -> bool:
        return not total or 2.0 * matched / total >= degree

    # What no matching can exceed comes first: to make a matcher ready costs ten times as much.
    return (
        may_be(min(len(one), len(other)))
        and may_be((Counter(one) & Counter(other)).total())
        and SequenceMatcher(None, one, other, autojunk=False).ratio() >= degree
    )


class GramIndex:
    """Texts by their n-grams, punctuation aside: finds the one that shares most with another."""

    def __init__(self, n: int, texts: Iterable[tuple[str, str]] = ()) -> None:
        """Take pairs of a name and a text."""
        self._n = n
        self._holders: dict[str, list[int]] = {}
        self._names: list[str] = []
        self._sizes: list[int] = []
        for name, text in texts:
            self.add(name, text)

    def add(self, name: str, text: str) -> None:
        """Take one text more, known as ``name``."""
        own = gram_set(words_only(text), self._n)
        for gram in own:
            self._holders.setdefault(gram, []).append(len(self._names))
        self._names.append(name)
        self._sizes.append(len(own))

    def nearest(self, text: str, ignored: Collection[str] = ()) -> tuple[str, float]:
        """Return who shares most of the shorter one's n-grams with ``text``, and that share.

        Of equals the first; none of ``ignored``; an empty name and 0 where none shares any.
        """
        own = gram_set(words_only(text), self._n)
        shared = Counter(at for gram in own for at in self._holders.get(gram, ()))
        degrees = (
            (count / min(len(own), self._sizes[at]), -at)
            for at, count in shared.items()
            if self._names[at] not in ignored
        )
        share, at = max(degrees, default=(0.0, 0))
        return (self._names[-at], share) if share else ("", 0.0)

    def holds(self, name: str, gram: str) -> bool:
        """Whether a text known as ``name`` has ``gram`` (without punctuation, n characters)."""
        return any(self._names[at] == name for at in self._holders.get(gram, ()))
