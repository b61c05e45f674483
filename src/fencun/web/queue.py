"""The line of people in front of the writer: bounded, oldest first, and each knows the place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from fencun.errors import BusyError
from fencun.models.admission import Admission, Turn

_LOOK_S = 1.0
_SOON_S = 5


@dataclass(eq=False, slots=True)
class QueuePlace:
    """One person's place."""

    line: "WaitingLine"
    entering: "asyncio.Future[Turn]"
    owner: str = ""

    async def positions(self) -> AsyncIterator[int]:
        """Yield how many are before us, whenever that changes; end when it is our turn."""
        before = -1
        while not self.entering.done():
            ahead = self.line.before(self)
            if ahead != before:
                yield ahead
                before = ahead
            await asyncio.wait({self.entering}, timeout=_LOOK_S)
        await self.entering


class WaitingLine:
    """Let ``parallel`` through at once and ``waiting`` stand in line.

    ``each`` bounds how many places, waiting or through, one owner holds (None: not at all).
    """

    def __init__(self, parallel: int, waiting: int, *, each: int | None = None) -> None:
        self._each = each
        self._admission = Admission(parallel, waiting)
        self._places: list[QueuePlace] = []

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return self._admission.waiting

    @property
    def running(self) -> int:
        """How many are through."""
        return self._admission.running

    def before(self, place: QueuePlace) -> int:
        """Return how many of those in line came before ``place``."""
        waiting = [other for other in self._places if not other.entering.done()]
        return waiting.index(place) if place in waiting else 0

    @asynccontextmanager
    async def place(self, owner: str = "") -> AsyncIterator[QueuePlace]:
        """Hold a place, and then the turn, for the length of the block.

        Raises:
            BusyError: the line is full, or ``owner`` holds enough places already; before the
                block begins.
        """
        if self._each is not None and owner:
            held = sum(other.owner == owner for other in self._places)
            if held >= self._each:
                raise BusyError(
                    f"您已经有 {held} 个在写或在排队，等一个写完再来。",
                    f"You have {held} under way or in line; wait for one of them.",
                    retry_after=_SOON_S,
                )
        turn = self._admission.turn()
        entering: asyncio.Future[Turn] = asyncio.ensure_future(turn.__aenter__())
        place = QueuePlace(self, entering, owner)
        self._places.append(place)
        try:
            await asyncio.sleep(0)  # by now a full line has refused
            if entering.done():
                await entering
            yield place
        finally:
            self._places.remove(place)
            entering.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await entering
            if entering.done() and not entering.cancelled() and entering.exception() is None:
                await turn.__aexit__(None, None, None)
