"""The rule on overlap: no line may share too many 5-grams with another; one text against many.

Light on purpose: pages ask it while somebody types. Whole files are compared by
:mod:`fencun.data.likeness`, by the same measure.
"""

from collections.abc import Collection, Iterable

from fencun.gates import Finding
from fencun.grams import GramIndex, words_only

GRAM = 5  # characters
OVERLAP = 0.30  # charter: below 30 % of the shorter line's 5-grams


class OverlapIndex:
    """The lines there are, asked whether a new text repeats one of them."""

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        """Take pairs of id and text."""
        self._index = GramIndex(GRAM, lines)

    def check(self, text: str, ignored: Collection[str] = ()) -> list[Finding]:
        """Return a fault if a line (none of ``ignored``) shares too many 5-grams with ``text``."""
        name, degree = self._index.nearest(text, ignored)
        if degree < OVERLAP:
            return []
        start, end = self._place(text, name)
        zh = f"和 {name} 重合太多（{degree:.0%} 的 5 字片段相同），换个角度写。"
        en = f"Shares {degree:.0%} of its 5-grams with {name}; write it another way."
        return [Finding("overlap", "fault", start, end, zh, en)]

    def _place(self, text: str, name: str) -> tuple[int, int]:
        """Return where in ``text`` the longest run of words stands that line ``name`` has too."""
        places = [place for place, char in enumerate(text) if words_only(char)]
        plain = "".join(text[place] for place in places)
        best, start, length = (0, 0), 0, 0
        for position in range(max(0, len(plain) - GRAM + 1)):
            if self._index.holds(name, plain[position : position + GRAM]):
                start, length = (start, length + 1) if length else (position, 1)
                best = max(best, (length, start), key=lambda run: run[0])
            else:
                length = 0
        length, start = best
        return (places[start], places[start + length + GRAM - 2] + 1) if length else (0, 0)
