"""Who may generate now: a bounded first-in-first-out queue in front of an engine."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fencun.errors import BusyError

_LONGEST_WAIT_S = 120


class Turn:
    """What a request holds while it runs: some places, given back one by one or at its end."""

    def __init__(self, admission: "Admission", places: int) -> None:
        self._admission = admission
        self._places = places

    def give_back(self, places: int = 1) -> None:
        """Give ``places`` back early; more than are held count as those that are."""
        places = min(places, self._places)
        self._places -= places
        self._admission._leave(places)

    def end(self) -> None:
        """Give back what is still held."""
        self.give_back(self._places)


@dataclass(frozen=True, slots=True)
class _Waiting:
    place: asyncio.Future[None]
    kind: Hashable
    places: int


class Admission:
    """Fill ``parallel`` places at once, oldest first; at most ``waiting`` requests stand in line.

    Requests of a different ``kind`` never run together: llama.cpp batches only slots
    with the same adapter scale and would starve the others, so the line waits until
    the running kind has left. Belongs to one event loop.
    """

    def __init__(self, parallel: int, waiting: int) -> None:
        self._parallel = parallel
        self._bound = waiting
        self._line: deque[_Waiting] = deque()
        self._running = 0
        self._kind: Hashable = None
        self._mean_s = 5.0

    @property
    def waiting(self) -> int:
        """How many requests stand in line."""
        return len(self._line)

    @property
    def running(self) -> int:
        """How many places are taken."""
        return self._running

    @asynccontextmanager
    async def turn(self, kind: Hashable = None, places: int = 1) -> AsyncIterator[Turn]:
        """Wait for ``places`` (at most ``parallel``) and hold them for the length of the block.

        Raises:
            BusyError: the line is full; its ``retry_after`` is estimated from recent turns.
        """
        assert 0 < places <= self._parallel
        await self._enter(kind, places)
        turn = Turn(self, places)
        started = time.monotonic()
        try:
            yield turn
            self._mean_s += 0.2 * (time.monotonic() - started - self._mean_s)
        finally:
            turn.end()

    async def _enter(self, kind: Hashable, places: int) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(_Waiting(place, kind, places))
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
                self._leave(places)
            else:
                self._line = deque(other for other in self._line if other.place is not place)
                self._admit()
            raise

    def _admit(self) -> None:
        while self._line:
            first = self._line[0]
            if not first.place.cancelled():
                if self._running + first.places > self._parallel:
                    return
                if self._running and first.kind != self._kind:
                    return
                self._kind = first.kind
                self._running += first.places
                first.place.set_result(None)
            self._line.popleft()

    def _leave(self, places: int) -> None:
        self._running -= places
        self._admit()

    def _busy(self) -> BusyError:
        rounds = (sum(other.places for other in self._line) + 1) / self._parallel
        seconds = min(_LONGEST_WAIT_S, max(1, math.ceil(rounds * self._mean_s)))
        return BusyError(
            f"排队的人太多了（{len(self._line)} 个在等），请 {seconds} 秒后再试。",
            f"Too many requests are waiting ({len(self._line)}); try again in {seconds} s.",
            retry_after=seconds,
        )
