"""Many words and expressions found in a text in one pass: Aho-Corasick, and a literal prefilter.

An expression is tried only where the text holds something plain that it cannot do
without: the trick of every fast grep.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

_PLAIN = re.compile(r"[^\\.^$*+?{}\[\]|()]+")
_PIECE = re.compile(
    r"(?:(?P<group>\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\))"
    r"|(?P<either>\[[^\]\\^-][^\]\\-]*\])|\[(?:[^\]\\]|\\.)*\]|\\.|(?P<char>[^\\.^$|])|[.^$|])"
    r"(?P<times>(?:[?*+]|\{[^}]*\})[?+]?)?"
)
LONGEST = 1000  # of an expression longer than this nothing is known
_MAY_MISS = re.compile(r"[?*]|\{0?[,}]")


class Span(NamedTuple):
    """Where something stands in a text (character offsets), and what it is."""

    start: int
    end: int
    word: str


class Words:
    """Many plain words found in one pass: leftmost and longest, or all that overlap."""

    def __init__(self, words: Iterable[str], *, overlapping: bool = False) -> None:
        self._words = tuple(dict.fromkeys(words))
        kind = MatchKind.Standard if overlapping else MatchKind.LeftmostLongest
        self._automaton = AhoCorasick(self._words, matchkind=kind)
        self._overlapping = overlapping

    def find(self, text: str) -> list[Span]:
        """Return every word found, in order. ``text`` holds no lone surrogate."""
        matches = self._automaton.find_matches_as_indexes(text, overlapping=self._overlapping)
        return [Span(start, end, self._words[index]) for index, start, end in matches]


class Patterns:
    """Many regular expressions, plain words among them, found in one pass."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Take valid expressions; raises re.error where one is not."""
        self._always: list[re.Pattern[str]] = []
        self._behind: dict[str, list[re.Pattern[str]]] = {}
        for pattern in dict.fromkeys(patterns):
            compiled = re.compile(pattern)
            for word in (needed := required(pattern)):
                self._behind.setdefault(word, []).append(compiled)
            if not needed:
                self._always.append(compiled)
        self._words = Words(self._behind, overlapping=True)

    def find(self, text: str) -> list[Span]:
        """Return what is found, in order; of two that overlap, the first and longer."""
        found = [
            Span(match.start(), match.end(), match[0])
            for pattern in self._likely(text)
            for match in pattern.finditer(text)
        ]
        return _apart(found) if len(found) > 1 else found

    def which(self, text: str) -> set[str]:
        """Return the expressions that stand in ``text``."""
        return {pattern.pattern for pattern in self._likely(text) if pattern.search(text)}

    def _likely(self, text: str) -> Iterable[re.Pattern[str]]:
        """The expressions whose plain part stands in ``text``, each once."""
        spans = self._words.find(text)
        if not spans:
            return self._always
        behind = (self._behind[word] for word in {span.word: None for span in spans})
        return dict.fromkeys(pattern for many in (self._always, *behind) for pattern in many)


def required(pattern: str) -> frozenset[str]:
    """Return words one of which stands in every match of ``pattern``; empty if none are known.

    Sound, not complete: what is not understood yields nothing.
    """
    if len(pattern) > LONGEST:
        return frozenset()
    sets: list[frozenset[str]] = []
    run = ""
    for piece in _PIECE.finditer(pattern):
        if piece[0] == "|" or piece["char"] in ("(", ")"):  # groups nested too deep to be read
            return frozenset()
        optional = bool(piece["times"] and _MAY_MISS.match(piece["times"]))
        if piece["char"] and not optional:
            run += piece["char"]
            if not piece["times"]:
                continue
        if run:
            sets.append(frozenset({run}))
        run = ""
        if not optional:
            sets += _alternatives(piece)
    if run:
        sets.append(frozenset({run}))
    return max(sets, key=lambda words: (min(map(len, words)) > 1, -len(words)), default=frozenset())


def _alternatives(piece: re.Match[str]) -> Iterator[frozenset[str]]:
    """The plain alternatives of a group (``(?:a|b)``) or of a class (``[ab]``)."""
    if piece["either"]:
        yield frozenset(piece["either"][1:-1])
    elif piece["group"] and piece["group"].startswith("(?:"):
        words = piece["group"][3:-1].split("|")
        if all(_PLAIN.fullmatch(word) for word in words):
            yield frozenset(words)
        elif inside := required(piece["group"][3:-1]):
            yield inside


def _apart(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
