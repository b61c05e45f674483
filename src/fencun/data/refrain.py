"""Refrains: openings and endings that a batch says too often (charter, section five)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from fencun.gates import Finding
from fencun.grams import words_only

# How many characters, and the share of a batch that may have them in common.
OPENING_CHARS, OPENING_SHARE = 6, 0.05
FORMULA_CHARS, FORMULA_SHARE = 3, 0.15
ENDING_CHARS, ENDING_SHARE = 8, 0.03
_ALWAYS_ALLOWED = 2  # shares say nothing about a handful of lines


def body(text: str, salutation: str) -> str:
    """Return the characters of ``text`` that follow the salutation it begins with."""
    plain, name = words_only(text), words_only(salutation)
    return plain.removeprefix(name) if name else plain


def opening(text: str, salutation: str, chars: int = OPENING_CHARS) -> str:
    """Return the first ``chars`` characters after the salutation, punctuation aside."""
    return body(text, salutation)[:chars]


def ending(text: str, chars: int = ENDING_CHARS) -> str:
    """Return the last ``chars`` characters, punctuation aside."""
    return words_only(text)[-chars:]


class Refrains:
    """Counts openings and endings line by line; holds a few strings a line, never the texts."""

    def __init__(self) -> None:
        self._openings: list[str] = []
        self._endings: list[str] = []

    def add(self, text: str, salutation: str) -> None:
        """Take one line more."""
        self._openings.append(opening(text, salutation))
        self._endings.append(ending(text))

    def findings(self) -> dict[int, list[Finding]]:
        """Return what is said too often, by the position of the line; the first ones may stay."""
        found: dict[int, list[Finding]] = {}
        for gate, keys, share, sentences in (
            ("openings", self._openings, OPENING_SHARE, _opening_sentences),
            ("openings", [key[:FORMULA_CHARS] for key in self._openings], FORMULA_SHARE,
             _opening_sentences),
            ("endings", self._endings, ENDING_SHARE, _ending_sentences),
        ):  # fmt: skip
            shared: dict[str, Finding] = {}  # one for all lines that say it
            for position, key in excess(keys, share):
                if key not in shared:
                    shared[key] = Finding(gate, "fault", 0, 0, *sentences(key, share))
                found.setdefault(position, []).append(shared[key])
        return found


def excess(keys: Sequence[str], share: float) -> Iterable[tuple[int, str]]:
    """Yield the positions of ``keys`` that exceed their share of the batch, earliest kept."""
    allowed = max(_ALWAYS_ALLOWED, int(share * len(keys)))
    crowded = {key for key, count in Counter(keys).items() if key and count > allowed}
    seen: Counter[str] = Counter()
    for position, key in enumerate(keys):
        if key in crowded:
            seen[key] += 1
            if seen[key] > allowed:
                yield position, key


def _opening_sentences(key: str, share: float) -> tuple[str, str]:
    return (
        f"同批里以“{key}”开头的超过 {share:.0%}，换个起笔。",
        f"More than {share:.0%} of the batch opens with {key!r}.",
    )


def _ending_sentences(key: str, share: float) -> tuple[str, str]:
    return (
        f"同批里以“{key}”收尾的超过 {share:.0%}，换个收法。",
        f"More than {share:.0%} of the batch ends with {key!r}.",
    )
