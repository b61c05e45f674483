"""Which line already says what a new text says: shared 5-grams, one text against many."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fencun.data.refrain import words_only
from fencun.gates import Finding

# As fencun.data.likeness has them; that module needs NumPy, and a page must not.
GRAM = 5
OVERLAP = 0.30


@dataclass(frozen=True, slots=True)
class Said:
    """One text that is there already."""

    id: str
    grams: int


class Echoes:
    """An index of texts by their 5-grams, punctuation aside."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        """Take pairs of id and text."""
        self._said: list[Said] = []
        self._where: dict[str, list[int]] = defaultdict(list)
        for identity, text in texts:
            grams = _grams(text)
            for gram in grams:
                self._where[gram].append(len(self._said))
            self._said.append(Said(identity, len(grams)))

    def check(self, text: str, ignored: Collection[str] = ()) -> list[Finding]:
        """Return a fault if a line (none of ``ignored``) shares too many 5-grams with ``text``."""
        grams = _grams(text)
        shared = Counter(at for gram in grams for at in self._where.get(gram, ()))
        worst, degree = None, 0.0
        for at, count in shared.items():
            said = self._said[at]
            part = count / min(said.grams, len(grams))
            if said.id not in ignored and part >= OVERLAP and part > degree:
                worst, degree = at, part
        if worst is None:
            return []
        start, end = self._place(text, worst)
        name = self._said[worst].id
        zh = f"和 {name} 重合太多（{degree:.0%} 的 5 字片段相同），换个角度写。"
        en = f"Shares {degree:.0%} of its 5-grams with {name}; write it another way."
        return [Finding("overlap", "fault", start, end, zh, en)]

    def _place(self, text: str, at: int) -> tuple[int, int]:
        """Return where in ``text`` the longest run of words stands that line ``at`` has too."""
        places = [place for place, char in enumerate(text) if words_only(char)]
        plain = "".join(text[place] for place in places)
        best, start, length = (0, 0), 0, 0
        for position in range(max(0, len(plain) - GRAM + 1)):
            if at in self._where.get(plain[position : position + GRAM], ()):
                start, length = (start, length + 1) if length else (position, 1)
                best = max(best, (length, start), key=lambda run: run[0])
            else:
                length = 0
        length, start = best
        return (places[start], places[start + length + GRAM - 2] + 1) if length else (0, 0)


def _grams(text: str) -> set[str]:
    plain = words_only(text)
    return {plain[i : i + GRAM] for i in range(max(1, len(plain) - GRAM + 1))}
