"""Lend an engine to other programs of the same user; see :mod:`fencun.models.loan`."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import cast

from fencun.errors import EngineError, FencunError
from fencun.models.engine import Delta, Engine, Message
from fencun.models.loan import BEAT_S, LONGEST_LINE, Loaded, LoanRequest, Reply, line, socket_path

_GREETING_S = 5.0


@asynccontextmanager
async def lent(engine: Engine, loaded: Loaded) -> AsyncIterator[bool]:
    """Let programs of the same user ask ``engine`` while the block runs.

    Yields whether they can: not where another program lends already, or where no socket can be
    made; then each loads a model of its own, as ever.
    """
    path = socket_path()
    bound = None if await _answers(path) else _bound(path)
    if bound is None:
        yield False
        return
    lender = _Lender(engine, line(loaded.greeting()))
    server = await asyncio.start_unix_server(lender.attend, sock=bound, limit=LONGEST_LINE)
    here = path.stat().st_ino
    try:
        yield True
    finally:
        with suppress(OSError):
            if path.stat().st_ino == here:
                path.unlink()
        server.close()
        await lender.aclose()


async def _answers(path: Path) -> bool:
    """Whether somebody lends there; a socket that a killed program left answers nobody."""
    try:
        async with asyncio.timeout(_GREETING_S):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                return bool(await reader.readline())
            finally:
                writer.close()
    except (OSError, ValueError, AttributeError):  # the last where there are no such sockets
        return False


def _bound(path: Path) -> socket.socket | None:
    """Return a socket at ``path`` that its owner alone may open; None where that is impossible.

    Nobody can connect before it listens, which is after its rights are set.
    """
    if not hasattr(socket, "AF_UNIX"):
        return None
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        bound.bind(str(path))
        os.chmod(path, 0o600)
    except OSError:
        bound.close()
        return None
    return bound


class _Lender:
    def __init__(self, engine: Engine, greeting: bytes) -> None:
        self._engine = engine
        self._greeting = greeting
        self._attending: set[asyncio.Task[None]] = set()

    async def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greet one borrower, answer its request, and stop when it hangs up."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._attending.add(task)
        try:
            with suppress(ConnectionError):
                writer.write(self._greeting)
                if asked := await reader.readline():
                    await self._until_it_leaves(asked, reader, writer)
        finally:
            self._attending.discard(task)
            writer.close()

    async def aclose(self) -> None:
        """Hang up on all."""
        for task in self._attending:
            task.cancel()
        await asyncio.gather(*self._attending, return_exceptions=True)

    async def _until_it_leaves(
        self, asked: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        answering = asyncio.create_task(self._answer(asked, writer))
        tasks = {answering, asyncio.create_task(reader.read()), asyncio.create_task(_beat(writer))}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, asked: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            async with aclosing(self._replies(LoanRequest.model_validate_json(asked))) as replies:
                async for reply in replies:
                    writer.write(line(reply))
                    await writer.drain()
            said = Reply(end=True)
        except FencunError as error:
            said = Reply.failed(error)
        except ValueError:
            said = Reply.failed(
                EngineError("借用引擎的请求看不懂。", "A borrower's request makes no sense.")
            )
        writer.write(line(said))
        await writer.drain()

    async def _replies(self, asked: LoanRequest) -> AsyncGenerator[Reply, None]:
        messages = cast("list[Message]", asked.messages)
        if asked.odds is not None:
            yield Reply(odds=await self._engine.probability(messages, *asked.odds, asked.decoding))
            return
        events = self._engine.stream_many(messages, asked.decoding, asked.n)
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Delta):
                    yield Reply(delta=(event.index, event.text))
                else:
                    yield Reply(whole=(event.index, event.completion))


async def _beat(writer: asyncio.StreamWriter) -> None:
    """Say now and then that we are there: somebody may stand in line for minutes."""
    while True:
        await asyncio.sleep(BEAT_S)
        writer.write(line(Reply()))
