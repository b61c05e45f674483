"""Who may generate now: a bounded first-in-first-out queue in front of an engine."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from fencun.errors import BusyError

_LONGEST_WAIT_S = 120


class Admission:
    """Let ``parallel`` requests in at once, oldest first, and at most ``waiting`` stand in line.

    Requests of a different ``kind`` never run together: llama.cpp batches only slots
    with the same adapter scale and would starve the others, so the line waits until
    the running kind has left. Belongs to one event loop.
    """

    def __init__(self, parallel: int, waiting: int) -> None:
        self._parallel = parallel
        self._bound = waiting
        self._line: deque[tuple[asyncio.Future[None], Hashable]] = deque()
        self._running = 0
        self._kind: Hashable = None
        self._mean_s = 5.0

    @property
    def waiting(self) -> int:
        """How many requests stand in line."""
        return len(self._line)

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return self._running

    @asynccontextmanager
    async def turn(self, kind: Hashable = None) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the length of the block.

        Raises:
            BusyError: the line is full; its ``retry_after`` is estimated from recent turns.
        """
        await self._enter(kind)
        started = time.monotonic()
        try:
            yield
            self._mean_s += 0.2 * (time.monotonic() - started - self._mean_s)
        finally:
            self._leave()

    async def _enter(self, kind: Hashable) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((place, kind))
        self._admit()
        if place.done():
            return
        if len(self._line) > self._bound:
            self._line.pop()
            raise self._busy()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()
            else:
                self._line = deque(entry for entry in self._line if entry[0] is not place)
                self._admit()
            raise

    def _admit(self) -> None:
        while self._line and self._running < self._parallel:
            place, kind = self._line[0]
            if self._running and kind != self._kind:
                return
            self._line.popleft()
            if place.cancelled():
                continue
            self._kind = kind
            self._running += 1
            place.set_result(None)

    def _leave(self) -> None:
        self._running -= 1
        self._admit()

    def _busy(self) -> BusyError:
        rounds = (len(self._line) + 1) / self._parallel
        seconds = min(_LONGEST_WAIT_S, max(1, math.ceil(rounds * self._mean_s)))
        return BusyError(
            f"排队的人太多了（{len(self._line)} 个在等），请 {seconds} 秒后再试。",
            f"Too many requests are waiting ({len(self._line)}); try again in {seconds} s.",
            retry_after=seconds,
        )
