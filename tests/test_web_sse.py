"""Event streams: errors before the first event have a status, and a reader who leaves ends all."""

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Message

from fencun.errors import BusyError, EngineError
from fencun.web import sse
from fencun.web.metrics import Metrics


def told(error: Exception) -> bytes:
    return f"told: {error}".encode()


async def opened(events: AsyncGenerator[bytes, None], told: sse.Told) -> StreamingResponse:
    """Open a stream for a reader who stays."""

    async def receive() -> dict:  # type: ignore[type-arg]
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    app = SimpleNamespace(state=SimpleNamespace(metrics=Metrics()))
    request = Request({"type": "http", "app": app}, receive)
    response = await sse.opened(request, events, told)
    assert isinstance(response, StreamingResponse)
    return response


def test_an_event_is_one_line_of_json_with_readable_chinese() -> None:
    assert sse.encode({"a": "年\n"}, "piece") == 'event: piece\ndata: {"a": "年\\n"}\n\n'.encode()
    assert sse.encode("[DONE]") == b"data: [DONE]\n\n"


async def test_an_error_before_the_first_event_is_raised() -> None:
    async def busy() -> AsyncGenerator[bytes, None]:
        raise BusyError("满", "full", retry_after=2)
        yield b""

    with pytest.raises(BusyError):
        await opened(busy(), told)


async def test_an_error_later_is_the_last_event() -> None:
    async def breaking() -> AsyncGenerator[bytes, None]:
        yield b"one"
        raise EngineError("断", "died")

    stream = await opened(breaking(), told)
    assert [part async for part in stream.body_iterator] == [b"one", "told: 断".encode()]


async def test_silence_is_filled_with_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_PING_S", 0.05)

    async def slow() -> AsyncGenerator[bytes, None]:
        yield b"one"
        await asyncio.sleep(0.18)
        yield b"two"

    parts = [part async for part in (await opened(slow(), told)).body_iterator]
    assert parts[0] == b"one"
    assert parts[-1] == b"two"
    assert parts.count(b": ping\n\n") >= 2


@pytest.mark.parametrize("after", [0, 1])
async def test_a_reader_who_leaves_closes_the_events(after: int) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            yield b"one"
            while True:
                yield b"more"
                await asyncio.sleep(60)
        finally:
            closed.set()

    stream = await opened(endless(), told)
    sent: list[dict] = []  # type: ignore[type-arg]
    left = asyncio.Event()

    async def send(message: dict) -> None:  # type: ignore[type-arg]
        sent.append(message)
        if len(sent) >= 2 + after:
            left.set()

    async def receive() -> dict:  # type: ignore[type-arg]
        await left.wait()
        return {"type": "http.disconnect"}

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    await asyncio.wait_for(stream(scope, receive, send), 5)  # type: ignore[arg-type]
    assert closed.is_set()
    assert sent[1]["body"] == b"one"


async def test_a_reader_who_leaves_before_the_first_event_ends_it_too() -> None:
    closed = asyncio.Event()

    async def silent() -> AsyncGenerator[bytes, None]:
        try:
            await asyncio.sleep(60)
            yield b"never"
        finally:
            closed.set()

    async def receive() -> dict:  # type: ignore[type-arg]
        return {"type": "http.disconnect"}

    request = Request({"type": "http"}, receive)
    response = await asyncio.wait_for(sse.opened(request, silent(), told), 5)
    assert response.status_code == 499
    assert closed.is_set()


async def test_a_reader_who_stops_reading_is_let_go_and_the_events_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "_SEND_S", 0.05)
    closed = asyncio.Event()

    async def events() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield sse.encode("年")
        finally:
            closed.set()

    async def stuck(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    with pytest.raises(ClientDisconnect):
        await sse.EventStream(events()).stream_response(stuck)
    assert closed.is_set()
