"""Several streams of answers as one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from fencun.models.engine import Delta, Whole


async def merged(
    streams: Sequence[AsyncGenerator[Delta | Whole, None]],
) -> AsyncGenerator[Delta | Whole, None]:
    """Run ``streams`` side by side and yield what each says as it comes.

    The first that fails ends them all, and so does closing the iterator.
    """
    if len(streams) == 1:
        async with aclosing(streams[0]) as only:
            async for event in only:
                yield event
        return
    said: asyncio.Queue[Delta | Whole | BaseException | None] = asyncio.Queue()
    tasks = [asyncio.create_task(_tell(stream, said)) for stream in streams]
    running = len(tasks)
    try:
        while running:
            heard = await said.get()
            if isinstance(heard, BaseException):
                raise heard
            if heard is None:
                running -= 1
            else:
                yield heard
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(
    stream: AsyncGenerator[Delta | Whole, None],
    said: "asyncio.Queue[Delta | Whole | BaseException | None]",
) -> None:
    try:
        async with aclosing(stream):
            async for event in stream:
                said.put_nowait(event)
        said.put_nowait(None)
    except BaseException as error:
        said.put_nowait(error)
        raise


class Told:
    """What was told of each answer, so that another source can go on with it.

    Where the other says it in other words, only the whole answer is told.
    """

    def __init__(self) -> None:
        self._said: dict[int, str] = {}
        self._again: dict[int, str] = {}

    def restart(self) -> None:
        """Note that what comes next begins anew."""
        self._again.clear()

    def news(self, event: Delta | Whole | None) -> list[Delta | Whole]:
        """Return what of ``event`` was not told before."""
        if not isinstance(event, Delta):
            return [event] if event else []
        said = self._said.get(event.index, "")
        again = self._again.get(event.index, "") + event.text
        self._again[event.index] = again
        if not again.startswith(said) or again == said:
            return []
        self._said[event.index] = again
        return [Delta(event.index, again[len(said) :])]


async def numbered(
    stream: AsyncGenerator[Delta | Whole, None], first: int
) -> AsyncGenerator[Delta | Whole, None]:
    """Yield ``stream`` with its answers counted from ``first`` on."""
    async with aclosing(stream):
        async for event in stream:
            yield replace(event, index=first + event.index) if first else event


def even_parts(n: int, parts: int) -> list[int]:
    """Split ``n`` into ``parts`` numbers as even as possible, the larger ones first."""
    return [n // parts + (part < n % parts) for part in range(parts)]
