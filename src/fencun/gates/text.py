"""What several gates need to see in a Chinese text: words, clauses, quoted speech, offsets."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

from fencun.errors import ScenarioError

_SURROGATE = re.compile("[\ud800-\udfff]")
_QUOTED = re.compile(
    r"“[^”]{0,200}”|「[^」]{0,200}」|『[^』]{0,200}』|‘[^’]{0,200}’|\"[^\"]{0,200}\""
)
_CLAUSE = re.compile(r"[^\s，。！？；：、,.!?;:…—~～]+")
_PLAIN = re.compile(r"[^\\.^$*+?{}\[\]|()]+")


class Span(NamedTuple):
    """Where something stands in a text (character offsets), and what it is."""

    start: int
    end: int
    word: str


class Words:
    """Many plain words found in one pass: leftmost, longest, not overlapping (Aho-Corasick)."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(dict.fromkeys(words))
        self._automaton = AhoCorasick(self._words, matchkind=MatchKind.LeftmostLongest)

    def find(self, text: str) -> list[Span]:
        """Return every word found, in order. ``text`` holds no lone surrogate."""
        return [
            Span(start, end, self._words[index])
            for index, start, end in self._automaton.find_matches_as_indexes(text)
        ]


class Patterns:
    """Words and regular expressions of a scenario, told apart so that the words cost one pass."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Take what a scenario's rules hold.

        Raises:
            ScenarioError: one is no regular expression.
        """
        told = tuple(patterns)
        self._words = Words(p for p in told if _PLAIN.fullmatch(p))
        self._others = alternation(p for p in told if not _PLAIN.fullmatch(p))

    def find(self, text: str) -> Iterator[Span]:
        """Yield what is found: words first, then expressions."""
        yield from self._words.find(text)
        if self._others is not None:
            for match in self._others.finditer(text):
                yield Span(match.start(), match.end(), match[0])


def alternation(
    patterns: Iterable[str], before: str = "", after: str = ""
) -> re.Pattern[str] | None:
    """Compile ``patterns`` into one; None where there are none.

    Raises:
        ScenarioError: one is no regular expression; names it.
    """
    told = tuple(patterns)
    for pattern in told:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ScenarioError(
                f"规则“{pattern}”不是合法的正则表达式：{error}",
                f"The rule {pattern!r} is no regular expression: {error}",
            ) from error
    joined = "|".join(f"(?:{pattern})" for pattern in told)
    return re.compile(f"{before}(?:{joined}){after}") if told else None


def storable(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 can hold, by U+FFFD; offsets stay as they are."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def unquoted(text: str) -> str:
    """Blank out quoted speech, so that what others say is not taken for what is said here.

    The result is as long as ``text``: offsets stay as they are.
    """
    return _QUOTED.sub(lambda match: " " * len(match[0]), text)


def clauses(text: str) -> list[Span]:
    """Return what stands between punctuation marks and white space."""
    return [Span(match.start(), match.end(), match[0]) for match in _CLAUSE.finditer(text)]


def shown(text: str, limit: int = 12) -> str:
    """Shorten ``text`` for a message to ``limit`` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
