"""What several gates need of a Chinese text: clauses, quoted speech, offsets."""

import re

from fencun.words import Span

_SURROGATE = re.compile("[\ud800-\udfff]")
_QUOTED = re.compile(
    r"“[^”]{0,200}”|「[^」]{0,200}」|『[^』]{0,200}』|‘[^’]{0,200}’|\"[^\"]{0,200}\""
)
_SENTENCE = re.compile(r"[^。！？!?…～~\n]+[。！？!?…～~]*[”」』’\"）)]*")
_CLAUSE = re.compile(r"[^\s，。！？；：、,.!?;:…—~～]+")


def storable(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 can hold, by U+FFFD; offsets stay as they are."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def unquoted(text: str) -> str:
    """Blank out quoted speech, so that what others say is not taken for what is said here.

    The result is as long as ``text``: offsets stay as they are. A quotation that makes up most
    of the text is the text itself, and stays.
    """

    def blank(match: re.Match[str]) -> str:
        return match[0] if 2 * len(match[0]) > len(text) else " " * len(match[0])

    return _QUOTED.sub(blank, text)


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text`` in their order, each with the marks that end it."""
    return [told for found in _SENTENCE.findall(text) if (told := found.strip())]


def clauses(text: str) -> list[Span]:
    """Return what stands between punctuation marks and white space."""
    return [Span(match.start(), match.end(), match[0]) for match in _CLAUSE.finditer(text)]


def clause_words(text: str) -> list[str]:
    """Return the clauses of :func:`clauses` without their offsets."""
    return _CLAUSE.findall(text)


def shown(text: str, limit: int = 12) -> str:
    """Shorten ``text`` for a message to ``limit`` characters, in one line."""
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
