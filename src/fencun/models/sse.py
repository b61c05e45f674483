"""Server-sent events as servers really send them: bytes to lines, and lines to JSON events."""

import codecs
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fencun.errors import EngineError

_LONGEST = 64 << 20  # bytes of one whole stream, far beyond any that is asked for
_LONGEST_LINE = 1 << 20  # and characters of one line, or of a body that is no stream
_FIELDS = frozenset({"", "data", "event", "id", "retry", "error"})
_CHARSETS = frozenset({"utf-8", "gbk", "gb2312", "gb18030", "big5"})  # where "\n" is one byte
_MANY = 64  # lines of one event
_JSON = json.JSONDecoder(strict=False)  # made once: to make one costs as much as to use it


async def lines(
    chunks: AsyncIterator[bytes], charset: str | None = None
) -> AsyncGenerator[str, None]:
    """Yield the lines of a byte stream, cut at LF, CRLF or CR only, as the standard says.

    What is not UTF-8 (or ``charset``, where that is known here) becomes U+FFFD.

    Raises:
        EngineError: more came than any answer has.
    """
    decoder = codecs.getincrementaldecoder(known(charset))(errors="replace")
    rest, count = "", 0
    first = True
    async for chunk in chunks:
        count += len(chunk)
        if count > _LONGEST or len(rest) > _LONGEST_LINE:
            raise _endless()
        text = decoder.decode(chunk)
        if first and text:
            first, text = False, text.removeprefix("\ufeff")
        *whole, rest = _cut(rest + text)
        for line in whole:
            yield line
    for line in _cut(rest + decoder.decode(b"", final=True) + "\n")[:-1]:
        yield line


def _endless() -> EngineError:
    return EngineError(
        "模型服务的回答没完没了，已经停止接收。",
        "The model server's answer had no end; it was given up.",
    )


def known(charset: str | None) -> str:
    """Return the name of ``charset`` where it is one that endpoints speak, else ``utf-8``."""
    try:
        name = codecs.lookup(charset or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if name in _CHARSETS else "utf-8"


def _cut(text: str) -> list[str]:
    """Cut at every line end; a CR at the very end waits for the LF that may follow."""
    waits = text.endswith("\r")
    cut = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if waits:
        cut[-1] += "\r"
    return cut


class UnreadableError(ValueError):
    """What came is neither events nor JSON; its text is the argument."""


class FailureError(ValueError):
    """The server says that something went wrong; its words are the argument."""


async def events(lines: AsyncIterator[str]) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the JSON objects of a stream up to ``[DONE]`` or its end; the last one may be ``{}``.

    ``{}`` stands for ``[DONE]``. A body of other form is read, too: one JSON document, or one JSON
    object a line, each yielded as it comes; after a single one ``{}``.

    Raises:
        FailureError: an ``error`` event or field.
        UnreadableError: what came is no JSON object.
    """
    reader, begun = _EventReader(), False
    async for line in lines:
        if not begun and line.strip() and line.partition(":")[0] not in _FIELDS:
            async with aclosing(_document(line, lines)) as values:
                async for found in values:
                    yield found
            return
        begun = begun or bool(line.strip())
        if (event := reader.take(line)) is not None:
            yield event
            if not event:
                return
    reader.take("")


class _EventReader:
    """Puts the lines of a stream together to events."""

    def __init__(self) -> None:
        self._kind = ""
        self._pending: list[str] = []

    def take(self, line: str) -> dict[str, Any] | None:
        """Return the event that ``line`` makes whole, ``{}`` for ``[DONE]``; None for not yet."""
        field, _, value = line.partition(":")
        if line.startswith("{"):  # an error that a server adds raw
            field, value = "data", line
        if field == "error":
            raise FailureError(value)
        if field == "event":
            self._kind = value.strip()
        elif field == "data":
            return self._data(value)
        elif not line.strip():
            self._kind = ""
            left, self._pending = "\n".join(self._pending), []
            if left.strip():
                raise UnreadableError(left)
        return None

    def _data(self, value: str) -> dict[str, Any] | None:
        if len(value) < 16 and value.strip().upper() == "[DONE]":
            return {}
        self._pending.append(value)
        if self._kind == "error":
            raise FailureError("\n".join(self._pending))
        event = _parsed(self._pending)
        if event is not None:
            self._pending.clear()
        return event


def _parsed(pending: list[str]) -> dict[str, Any] | None:
    """Return the object that the lines make together; None where more must come."""
    text = "\n".join(pending)
    try:
        value = _JSON.decode(text)
    except (ValueError, RecursionError) as error:
        if text.strip() and (len(pending) > _MANY or not text.lstrip().startswith("{")):
            raise UnreadableError(text) from error
        return None
    if not isinstance(value, dict):
        raise UnreadableError(text)
    return value


async def _document(first: str, lines: AsyncIterator[str]) -> AsyncGenerator[dict[str, Any], None]:
    if (value := _object(first)) is None:
        value = await _whole(first, lines)
    yield value
    alone = True
    async for line in lines:
        if line.strip():
            if (value := _object(line)) is None:
                raise UnreadableError(line)
            yield value
            alone = False
    if alone:  # of several the last one must say that it is the last
        yield {}


def _object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that ``text`` is; None for anything else, an empty one too."""
    try:
        value = _JSON.decode(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value else None


async def _whole(first: str, lines: AsyncIterator[str]) -> dict[str, Any]:
    rest, count = [first], len(first)
    async for line in lines:
        count += len(line)
        if count > _LONGEST_LINE:
            raise _endless()
        rest.append(line)
    text = "\n".join(rest)
    if (value := _object(text)) is None:
        raise UnreadableError(text)
    return value
