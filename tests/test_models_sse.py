"""Bytes to lines and lines to events, as servers really send them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import pytest

from fencun.errors import EngineError
from fencun.models import sse

T = TypeVar("T")


async def given(values: Sequence[T]) -> AsyncIterator[T]:
    for value in values:
        yield value


def lines_of(*chunks: bytes, charset: str | None = None) -> list[str]:
    async def read() -> list[str]:
        return [line async for line in sse.lines(given(chunks), charset)]

    return asyncio.run(read())


def events_of(text: str) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        return [event async for event in sse.events(given(text.split("\n")))]

    return asyncio.run(read())


def test_lines_end_at_every_line_end_however_the_bytes_are_cut() -> None:
    text = "一行\r\n二行\n三行\r四行".encode()
    for cut in range(len(text)):
        assert lines_of(text[:cut], text[cut:]) == ["一行", "二行", "三行", "四行"]


def test_a_charset_is_honoured_where_it_is_known_and_broken_bytes_are_marked() -> None:
    assert lines_of("你好".encode("gbk"), charset="gbk") == ["你好"]
    assert lines_of("你好".encode(), charset="no-such") == ["你好"]
    assert lines_of(b"\xff\n") == ["\ufffd", ""]
    assert lines_of("\ufeffdata: 1".encode()) == ["data: 1"]


def test_a_line_without_end_is_given_up() -> None:
    with pytest.raises(EngineError, match="没完没了"):
        lines_of(*[b"x" * (1 << 20)] * 3)


def test_events_come_up_to_done() -> None:
    text = ': a comment\ndata: {"a": 1}\n\ndata: {"b":\ndata: 2}\n\ndata: [DONE]\n\ndata: {"c": 3}'
    assert events_of(text) == [{"a": 1}, {"b": 2}, {}]
    assert events_of(text.replace("DONE", "done")) == [{"a": 1}, {"b": 2}, {}]


def test_what_is_no_stream_is_read_as_json() -> None:
    assert events_of('{"a": 1}\n{"b": 2}') == [{"a": 1}, {"b": 2}]
    assert events_of('{"a":\n1}') == [{"a": 1}, {}]


@pytest.mark.parametrize("text", ['event: error\ndata: {"m": 1}\n', "error: full\n"])
def test_an_error_is_an_error(text: str) -> None:
    with pytest.raises(sse.FailureError):
        events_of(text)


@pytest.mark.parametrize("text", ["<html>no</html>", "data: [1]\n", "data: {1\n\n"])
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(sse.UnreadableError):
        events_of(text)
