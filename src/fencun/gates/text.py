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
_GROUP = re.compile(r"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)(?:[?*+]|\{[^}]*\})?")
_OPTIONAL = re.compile(r"(?:\[(?:[^\]\\]|\\.)*\]|\\.|.)(?:[?*]|\{[^}]*\})|\[(?:[^\]\\]|\\.)*\]|\\.")
_PLAIN = re.compile(r"[^\\.^$*+?{}\[\]|()]+")


class Span(NamedTuple):
    """Where something stands in a text (character offsets), and what it is."""

    start: int
    end: int
    word: str


class Words:
    """Many plain words found in one pass (Aho-Corasick): leftmost and longest, or all of them."""

    def __init__(self, words: Iterable[str], *, overlapping: bool = False) -> None:
        self._words = tuple(dict.fromkeys(words))
        kind = MatchKind.Standard if overlapping else MatchKind.LeftmostLongest
        self._automaton = AhoCorasick(self._words, matchkind=kind)
        self._overlapping = overlapping

    def find(self, text: str) -> list[Span]:
        """Return every word found, in order. ``text`` holds no lone surrogate."""
        return [
            Span(start, end, self._words[index])
            for index, start, end in self._automaton.find_matches_as_indexes(
                text, overlapping=self._overlapping
            )
        ]


class Patterns:
    """Words and regular expressions found in one pass of one automaton.

    An expression is tried only where the longest plain run that it cannot do without
    stands in the text: the literal prefilter of every fast grep.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        """Take what a scenario's rules hold: valid expressions, plain words among them."""
        told = tuple(patterns)
        needed = {p: literal(p) for p in told if not _PLAIN.fullmatch(p)}
        self._always = tuple(re.compile(p) for p, run in needed.items() if not run)
        self._behind: dict[str, list[re.Pattern[str]]] = {}
        for pattern, run in needed.items():
            if run:
                self._behind.setdefault(run, []).append(re.compile(pattern))
        self._plain = frozenset(p for p in told if p not in needed)
        self._words = Words((*self._plain, *self._behind), overlapping=True)

    def find(self, text: str) -> list[Span]:
        """Return what is found, in order; of two that overlap, the first and longer."""
        found = []
        tried = set()
        for span in self._words.find(text):
            if span.word in self._plain:
                found.append(span)
            if span.word in self._behind and span.word not in tried:
                tried.add(span.word)
                found += _all(self._behind[span.word], text)
        if self._always:
            found += _all(self._always, text)
        return _apart(found) if len(found) > 1 else found


def _all(patterns: Iterable[re.Pattern[str]], text: str) -> Iterator[Span]:
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield Span(match.start(), match.end(), match[0])


def _apart(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def literal(pattern: str) -> str:
    """Return the longest plain run that every match of ``pattern`` holds; "" if under two long."""
    if "|" in _GROUP.sub("", pattern):
        return ""
    bare = _OPTIONAL.sub("\n", _GROUP.sub("\n", pattern))
    longest = max(_PLAIN.findall(bare.replace("\n", "|")), key=len, default="")
    return longest if len(longest) > 1 else ""


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
