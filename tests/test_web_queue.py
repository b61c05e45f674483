"""The line: oldest first, bounded, everyone knows the place, and nobody blocks it by leaving."""

import asyncio

import pytest

from fencun.errors import BusyError
from fencun.web.queue import WaitingLine


async def visit(line: WaitingLine, name: int, order: list[int], go: asyncio.Event) -> list[int]:
    seen = []
    async with line.place() as place:
        async for ahead in place.positions():
            seen.append(ahead)
        order.append(name)
        await go.wait()
    return seen


async def failing(line: WaitingLine) -> None:
    async with line.place() as place:
        async for _ in place.positions():
            pass
        raise ValueError("inside")


async def test_the_oldest_goes_first_and_each_is_told_the_place() -> None:
    line, order, go = WaitingLine(1, 10), [], asyncio.Event()
    tasks = []
    for name in range(4):
        tasks.append(asyncio.create_task(visit(line, name, order, go)))
        await asyncio.sleep(0.01)
    assert (line.running, line.waiting) == (1, 3)
    go.set()
    seen = await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]
    assert [places[:1] for places in seen] == [[], [0], [1], [2]]
    assert (line.running, line.waiting) == (0, 0)


async def test_past_the_bound_the_answer_is_at_once_and_says_when() -> None:
    line, go = WaitingLine(2, 3), asyncio.Event()
    tasks = [asyncio.create_task(visit(line, name, [], go)) for name in range(5)]
    await asyncio.sleep(0.01)
    with pytest.raises(BusyError) as busy:
        async with line.place():
            pytest.fail("there was no room")
    assert busy.value.retry_after >= 1  # type: ignore[operator]
    assert (line.running, line.waiting) == (2, 3)
    go.set()
    await asyncio.gather(*tasks)
    async with line.place() as place:
        assert [ahead async for ahead in place.positions()] == []


async def test_who_leaves_the_line_or_fails_inside_makes_room() -> None:
    line, order, go = WaitingLine(1, 5), [], asyncio.Event()
    first = asyncio.create_task(visit(line, 0, order, go))
    await asyncio.sleep(0.01)
    leaving = asyncio.create_task(visit(line, 1, order, go))
    last = asyncio.create_task(visit(line, 2, order, go))
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert line.waiting == 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    go.set()
    await last
    assert order == [0, 2]
    with pytest.raises(ValueError, match="inside"):
        await failing(line)
    assert (line.running, line.waiting) == (0, 0)
