"""Use the engine that ``fencun serve`` has loaded, or our own; see :mod:`fencun.models.loan`."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from fencun.models import wire
from fencun.models.engine import Completion, Decoding, Delta, Engine, Message, Whole
from fencun.models.loan import (
    BEAT_S,
    LONGEST_LINE,
    Greeting,
    Loaded,
    LoanRequest,
    Reply,
    chat,
    line,
    socket_path,
)
from fencun.models.several import Told, merged, numbered

_GREETING_S = 5.0
_SILENT_S = 4 * BEAT_S

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Borrower:
    """An engine that asks a lender on this machine. Belongs to one event loop.

    Where nobody lends the files ``loaded``, or the lender goes, ``own`` answers, from then on
    and what was still unanswered: with the same seeds, and no text is told twice. ``tell`` is
    told in Chinese and in English who answers.
    """

    def __init__(
        self,
        own: Engine,
        loaded: Loaded,
        tell: Callable[[str, str], None] = lambda zh, en: None,
    ) -> None:
        """Take an engine that loads nothing before it is asked; its owner closes it."""
        self._own = own
        self._loaded = loaded
        self._tell = tell
        self._alone = False

    @property
    def name(self) -> str:
        """The model id as the catalog calls it."""
        return self._own.name

    @property
    def has_adapter(self) -> bool:
        """Whether we asked for an adapter; a lender may have more."""
        return self._own.has_adapter

    async def reach(self) -> None:
        """Find out who will answer, and tell it."""
        try:
            _, (_, writer) = await self._connected()
        except wire.LostError:
            return
        writer.close()
        self._tell(
            "用 fencun serve 已经装好的模型，不再装一份。",
            "Using the model that fencun serve has loaded.",
        )

    def stream(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        tell: Callable[[Completion], None] | None = None,
    ) -> AsyncGenerator[str, None]:
        """See :meth:`fencun.models.engine.Engine.stream`."""
        return wire.texts(self.stream_many(messages, decoding, 1), tell)

    async def stream_many(
        self, messages: Sequence[Message], decoding: Decoding, n: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        """See :meth:`fencun.models.engine.Engine.stream_many`."""
        told, missing = Told(), set(range(n))
        try:
            async with aclosing(self._asked(messages, decoding, n)) as replies:
                async for reply in replies:
                    for event in told.news(_event(reply)):
                        if isinstance(event, Whole):
                            missing.discard(event.index)
                        yield event
            return
        except wire.LostError as error:
            self._go_alone(error)
        told.restart()
        async with aclosing(self._by_own(messages, decoding, n, missing)) as events:
            async for event in events:
                for news in told.news(event):
                    yield news

    async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
        """See :meth:`fencun.models.engine.Engine.complete`."""
        return await wire.collect(self.stream_many(messages, decoding, 1))

    async def probability(
        self, messages: Sequence[Message], answer: str, other: str, decoding: Decoding
    ) -> float | None:
        """See :meth:`fencun.models.engine.Engine.probability`."""
        try:
            odds: float | None = None
            async with aclosing(self._asked(messages, decoding, 1, (answer, other))) as replies:
                async for reply in replies:
                    odds = odds if reply.odds is None else reply.odds
            return odds
        except wire.LostError as error:
            self._go_alone(error)
        return await self._own.probability(messages, answer, other, decoding)

    async def warm(self, messages: Sequence[Message], adapter_scale: float = 0.0) -> None:
        """Do nothing: the lender has read its long prompt already."""

    async def aclose(self) -> None:
        """Do nothing: every request has its own connection."""

    def _by_own(
        self, messages: Sequence[Message], decoding: Decoding, n: int, missing: set[int]
    ) -> AsyncGenerator[Delta | Whole, None]:
        if len(missing) == n:
            return self._own.stream_many(messages, decoding, n)
        return merged(
            [
                numbered(
                    self._own.stream_many(
                        messages, replace(decoding, seed=decoding.seed + index), 1
                    ),
                    index,
                )
                for index in sorted(missing)
            ]
        )

    async def _asked(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        n: int,
        odds: tuple[str, str] | None = None,
    ) -> AsyncGenerator[Reply, None]:
        """Yield what the lender replies, up to its end.

        Raises:
            LostError: there is none, or it goes. EngineError, BusyError: as it says itself.
        """
        places, (reader, writer) = await self._connected()
        try:
            meant = _meant(decoding, places)
            writer.write(line(LoanRequest(messages=chat(messages), decoding=meant, n=n, odds=odds)))
            while not (reply := await _reply(reader)).end:
                reply.raise_error()
                yield reply
        finally:
            writer.close()

    async def _connected(self) -> tuple[list[int], Connection]:
        """Return where the lender has our adapters, and a new connection to it."""
        path = socket_path()
        if self._alone or not _is_ours(path):
            raise _LostError()
        try:
            async with asyncio.timeout(_GREETING_S):
                reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
                try:
                    greeting = Greeting.model_validate_json(await reader.readline())
                except BaseException:
                    writer.close()
                    raise
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            raise _LostError() from error
        places = greeting.places(self._loaded.greeting())
        if places is None:
            writer.close()
            self._alone = True
            self._tell(
                "fencun serve 开着，但装的是别的模型、适配器或版本：这次自己装一份。",
                "fencun serve is running with another model, adapter or version: "
                "loading our own this time.",
            )
            raise _LostError()
        return places, (reader, writer)

    def _go_alone(self, error: wire.LostError) -> None:
        if not self._alone and not isinstance(error, _LostError):
            self._tell(
                "fencun serve 走了，改为自己装模型。",
                "fencun serve is gone: loading our own model.",
            )
        self._alone = True


class _LostError(wire.LostError):
    """There was no lender to begin with."""

    def __init__(self) -> None:
        super().__init__("没有人出借引擎。", "Nobody lends an engine.")


def _is_ours(path: Path) -> bool:
    """Whether a socket is there that our user made, and nobody else may open."""
    try:
        told = path.lstat()
    except OSError:
        return False
    private = not stat.S_IMODE(told.st_mode) & 0o077
    return stat.S_ISSOCK(told.st_mode) and told.st_uid == os.getuid() and private


def _meant(decoding: Decoding, places: list[int]) -> Decoding:
    """Return ``decoding`` with the adapter as the lender counts it; without one, the base."""
    if not places:
        return replace(decoding, adapter=0, adapter_scale=0.0)
    return replace(decoding, adapter=places[decoding.adapter])


async def _reply(reader: asyncio.StreamReader) -> Reply:
    """Return the next reply; raises :class:`LostError` where none comes any more."""
    try:
        async with asyncio.timeout(_SILENT_S):
            return Reply.model_validate_json(await reader.readline())
    except (OSError, ValueError) as error:
        raise wire.LostError("出借引擎的程序走了。", "The lender of the engine is gone.") from error


def _event(reply: Reply) -> Delta | Whole | None:
    if reply.delta is not None:
        return Delta(*reply.delta)
    return Whole(*reply.whole) if reply.whole is not None else None
