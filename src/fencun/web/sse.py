"""Server-sent events: a stream that is closed, all the way down, when its reader leaves."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import suppress

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from fencun.errors import FencunError
from fencun.web.disconnect import unless_gone
from fencun.web.errors import BugError
from fencun.web.observe import count_error

log = logging.getLogger("fencun.web")

_PING_S = 15.0
_SEND_S = 30.0

Told = Callable[[FencunError], bytes]


def encode(data: object, event: str | None = None) -> bytes:
    """Return one event with ``data`` as JSON (a string as it is)."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {text}\n\n".encode()


class EventStream(StreamingResponse):
    """A response of events that were encoded by :func:`encode`."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        self._events = events
        super().__init__(_pinged(events), headers={"X-Accel-Buffering": "no"})

    async def stream_response(self, send: Send) -> None:
        """Send every event; whatever ends this, the events are closed.

        A reader who takes none for half a minute is let go, and the place in line with it.
        """

        async def prompt(message: Message) -> None:
            with anyio.fail_after(_SEND_S):
                await send(message)

        try:
            await super().stream_response(prompt)
        except TimeoutError:
            log.warning("a reader stopped reading and was let go")
            raise ClientDisconnect() from None
        finally:
            with anyio.CancelScope(shield=True):
                body = self.body_iterator
                assert isinstance(body, AsyncGenerator)
                await body.aclose()
                await self._events.aclose()


async def opened(request: Request, events: AsyncGenerator[bytes, None], told: Told) -> Response:
    """Return the response of ``events``, whose first is awaited here.

    What goes wrong before the first event is raised, so that it becomes a response with its
    status; later it becomes a last event made by ``told``.
    """
    try:
        first = await unless_gone(request, _next(events))
    except BaseException:
        await events.aclose()
        raise
    if first is None:
        await events.aclose()
        return Response(status_code=499)

    def counted(error: FencunError) -> bytes:
        count_error(request, error)
        return told(error)

    return EventStream(_guarded(first, events, counted))


async def _guarded(
    first: bytes, events: AsyncGenerator[bytes, None], told: Told
) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for event in events:
            yield event
    except FencunError as error:
        yield told(error)
    except Exception:
        log.exception("a stream failed")
        yield told(BugError())
    finally:
        await events.aclose()


async def _pinged(events: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Send a comment now and then, so that nothing between here and the reader gives up."""
    pending: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(_next(events))
            done, _ = await asyncio.wait({pending}, timeout=_PING_S)
            if not done:
                yield b": ping\n\n"
                continue
            event, pending = pending.result(), None
            if event is None:
                return
            yield event
    finally:
        if pending is not None:
            pending.cancel()
            with anyio.CancelScope(shield=True), suppress(asyncio.CancelledError):
                await pending


async def _next(events: AsyncIterator[bytes]) -> bytes | None:
    return await anext(events, None)


def last(value: Mapping[str, object]) -> bytes:
    """Return the event that ends a stream in error."""
    return encode(value, "error")
