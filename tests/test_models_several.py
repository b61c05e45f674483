"""Several streams as one: in the order of speaking, failing together, closed together."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from fencun.errors import EngineError
from fencun.models.engine import Completion, Delta, Whole
from fencun.models.several import merged, numbered

Speaker = AsyncGenerator[Delta | Whole, None]


class Choir:
    """Speakers that say ``count`` words, ``pause_s`` apart; ``closed`` are those that ended."""

    def __init__(self) -> None:
        self.closed: list[str] = []

    async def speak(self, name: str, count: int, pause_s: float = 0.0) -> Speaker:
        try:
            for _ in range(count):
                await asyncio.sleep(pause_s)
                yield Delta(0, name)
            yield Whole(0, Completion(name * count, "stop", 1, count))
        finally:
            self.closed.append(name)

    async def choke(self) -> Speaker:
        yield Delta(0, "x")
        raise EngineError("断了", "died")


async def test_everything_said_comes_once_and_under_its_number() -> None:
    choir = Choir()
    streams = [numbered(choir.speak(name, 3), at) for at, name in enumerate("abc")]
    events = [event async for event in merged(streams)]
    for at, name in enumerate("abc"):
        mine = [event for event in events if event.index == at]
        assert [event.text for event in mine[:-1] if isinstance(event, Delta)] == [name] * 3
        assert isinstance(mine[-1], Whole)
        assert mine[-1].completion.text == name * 3
    assert [event.index for event in events[:3]] == [0, 1, 2]
    assert sorted(choir.closed) == ["a", "b", "c"]


async def test_one_that_fails_ends_the_others() -> None:
    choir = Choir()
    with pytest.raises(EngineError):
        async for _ in merged([choir.speak("slow", 99, 1.0), choir.choke()]):
            pass
    assert choir.closed == ["slow"]


@pytest.mark.parametrize("count", [1, 3])
async def test_closing_ends_them_all(count: int) -> None:
    choir = Choir()
    stream = merged([choir.speak(str(number), 99, 0.01) for number in range(count)])
    await anext(stream)
    await stream.aclose()
    assert sorted(choir.closed) == [str(number) for number in range(count)]


async def test_none_says_nothing() -> None:
    assert [event async for event in merged([])] == []
