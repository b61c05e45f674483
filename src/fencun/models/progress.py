"""How far a download is: bytes, and how fast they come."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_WINDOW_S = 10.0
_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a download. ``speed`` is in bytes a second over the last ten seconds.

    ``total`` is None where the source does not tell the size.
    """

    source: str
    done: int
    total: int | None
    speed: float


Report = Callable[[Progress], None]


class Meter:
    """Turns byte counts into :class:`Progress`, at most ten times a second."""

    def __init__(self, source: str, total: int | None, report: Report | None) -> None:
        self._source = source
        self._total = total
        self._report = report
        self._marks: deque[tuple[float, int]] = deque()
        self._told = 0.0

    def at(self, done: int, *, total: int | None = None) -> None:
        """Say that ``done`` bytes are there; ``total`` where it has become known."""
        self._total = total or self._total
        now = time.monotonic()
        self._marks.append((now, done))
        while self._marks[0][0] < now - _WINDOW_S:
            self._marks.popleft()
        whole = done == self._total
        if self._report is None or (now - self._told < _PAUSE_S and not whole):
            return
        self._told = now
        since, start = self._marks[0]
        speed = max(0.0, (done - start) / (now - since)) if now > since else 0.0
        self._report(Progress(self._source, done, self._total, speed))
