"""Several endpoints as one engine: the least busy first, a dead one left out for a while."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from fencun.errors import BusyError, EngineError, FencunError
from fencun.models import wire
from fencun.models.endpoint import EndpointEngine
from fencun.models.engine import Completion, Decoding, Delta, Message, Whole
from fencun.models.several import Told, merged

_ROUNDS = 4
_REST_S = 10.0


@dataclass(slots=True)
class _Endpoint:
    """An endpoint: how many answers it is giving, and until when it is left alone."""

    engine: EndpointEngine
    running: int = 0
    resting_until: float = 0.0


class PoolEngine:
    """Answers from whichever of ``engines`` is least busy. Belongs to one event loop.

    All of them serve the same model. One that cannot be reached, breaks off or is busy is left
    out for ``rest_s`` seconds (or as long as it asks for), and what it was asked is asked
    elsewhere with the same seed. What a request is refused for is told, not tried elsewhere.
    """

    def __init__(
        self,
        engines: Sequence[EndpointEngine],
        *,
        rest_s: float = _REST_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take at least one engine; they are closed with this one. ``clock`` is in seconds."""
        assert engines
        self._places = [_Endpoint(engine) for engine in engines]
        self._rest_s = rest_s
        self._clock = clock

    @property
    def name(self) -> str:
        """The model id as the endpoints call it."""
        return self._places[0].engine.name

    @property
    def has_adapter(self) -> bool:
        """Whether they serve a tuned model beside the base."""
        return all(place.engine.has_adapter for place in self._places)

    def stream(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        tell: Callable[[Completion], None] | None = None,
    ) -> AsyncGenerator[str, None]:
        """See :meth:`fencun.models.engine.Engine.stream`."""
        return wire.texts(self._one(messages, decoding, 0), tell)

    def stream_many(
        self, messages: Sequence[Message], decoding: Decoding, n: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        """See :meth:`fencun.models.engine.Engine.stream_many`; each answer has its own place."""
        return merged(
            [
                self._one(messages, replace(decoding, seed=decoding.seed + index), index)
                for index in range(n)
            ]
        )

    async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
        """See :meth:`fencun.models.engine.Engine.complete`."""
        return await wire.collect(self._one(messages, decoding, 0))

    async def probability(
        self, messages: Sequence[Message], answer: str, other: str, decoding: Decoding
    ) -> float | None:
        """Return None: an endpoint has no adapter of ours that could judge."""
        return None

    async def warm(self, messages: Sequence[Message], adapter_scale: float = 0.0) -> None:
        """Do nothing: how an endpoint keeps its prompts is its own affair."""

    async def aclose(self) -> None:
        """Close all; a second call does nothing."""
        for place in self._places:
            await place.engine.aclose()

    async def _one(
        self, messages: Sequence[Message], decoding: Decoding, index: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        """Ask one place after the other; what was told is not told again, see :class:`Told`."""
        told = Told()
        last: FencunError | None = None
        for turn in range(_ROUNDS):
            asked: set[int] = set()
            while (number := self._next(asked)) is not None:
                asked.add(number)
                told.restart()
                try:
                    async with aclosing(self._from(number, messages, decoding)) as events:
                        async for event in events:
                            for news in told.news(replace(event, index=index)):
                                yield news
                            if isinstance(event, Whole):
                                self._places[number].resting_until = 0.0
                                return
                except (wire.LostError, BusyError) as error:
                    self._leave_alone(number, error)
                    last = error
            if turn + 1 < _ROUNDS:
                await asyncio.sleep(0.5 * 2**turn)
        assert last is not None
        raise last

    async def _from(
        self, number: int, messages: Sequence[Message], decoding: Decoding
    ) -> AsyncGenerator[Delta | Whole, None]:
        place = self._places[number]
        place.running += 1
        try:
            async with aclosing(place.engine.stream_many(messages, decoding, 1)) as events:
                async for event in events:
                    yield event
        finally:
            place.running -= 1

    def _next(self, asked: set[int]) -> int | None:
        """Return the best place not in ``asked``: awake before resting, then the least busy."""
        now = self._clock()
        left = [number for number in range(len(self._places)) if number not in asked]
        return min(
            left,
            key=lambda number: (
                max(0.0, self._places[number].resting_until - now),
                self._places[number].running,
            ),
            default=None,
        )

    def _leave_alone(self, number: int, error: EngineError | BusyError) -> None:
        rest = max(self._rest_s, float(error.retry_after or 0))
        self._places[number].resting_until = self._clock() + rest
