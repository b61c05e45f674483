"""The line in front of an engine: bounded, oldest first, one kind at a time."""

import asyncio

import pytest

from fencun.errors import BusyError
from fencun.models.admission import Admission, Turn


class Desk:
    """Requests that enter a line and leave when told; ``entered`` is the order of entry."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.entered: list[str] = []
        self.doors: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.turns: dict[str, Turn] = {}

    async def come(self, name: str, kind: object = None, places: int = 1) -> None:
        self.doors[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name, kind, places))
        await asyncio.sleep(0)

    async def _stay(self, name: str, kind: object, places: int) -> None:
        async with self.admission.turn(kind, places) as self.turns[name]:
            self.entered.append(name)
            await self.doors[name].wait()

    async def leave(self, name: str) -> None:
        self.doors[name].set()
        await self.tasks[name]
        await asyncio.sleep(0)


async def test_oldest_first_and_no_more_than_parallel() -> None:
    desk = Desk(Admission(2, 9))
    for name in "abcde":
        await desk.come(name)
    assert (desk.entered, desk.admission.running, desk.admission.waiting) == (["a", "b"], 2, 3)
    await desk.leave("b")
    await desk.leave("a")
    assert desk.entered == ["a", "b", "c", "d"]
    for name in "cde":
        await desk.leave(name)
    assert desk.entered == list("abcde")
    assert (desk.admission.running, desk.admission.waiting) == (0, 0)


async def test_a_full_line_says_when_to_come_back() -> None:
    desk = Desk(Admission(1, 1))
    await desk.come("a")
    await desk.come("b")
    with pytest.raises(BusyError) as error:
        async with desk.admission.turn():
            pytest.fail("the line was full")
    assert error.value.retry_after is not None
    assert 1 <= error.value.retry_after <= 120
    assert desk.admission.waiting == 1
    await desk.leave("a")
    await desk.leave("b")
    assert desk.entered == ["a", "b"]


async def test_a_line_of_no_length_still_lets_in_who_need_not_wait() -> None:
    desk = Desk(Admission(1, 0))
    await desk.come("a")
    assert desk.entered == ["a"]
    with pytest.raises(BusyError):
        async with desk.admission.turn():
            pytest.fail("nobody may wait")
    await desk.leave("a")


async def test_who_gives_up_waiting_holds_nobody_up() -> None:
    desk = Desk(Admission(1, 9))
    for name in "abc":
        await desk.come(name)
    desk.tasks["b"].cancel()
    await asyncio.gather(desk.tasks["b"], return_exceptions=True)
    await desk.leave("a")
    assert desk.entered == ["a", "c"]
    await desk.leave("c")
    assert desk.admission.running == 0


async def test_a_turn_given_in_the_moment_of_cancelling_is_given_on() -> None:
    desk = Desk(Admission(1, 9))
    async with desk.admission.turn():
        await desk.come("b")
        await desk.come("c")
    desk.tasks["b"].cancel()  # it has its turn since a line ago, but has not run yet
    await asyncio.gather(desk.tasks["b"], return_exceptions=True)
    await asyncio.sleep(0)
    assert desk.entered == ["c"]
    await desk.leave("c")
    assert desk.admission.running == 0


async def test_kinds_never_mix_and_none_is_overtaken() -> None:
    desk = Desk(Admission(4, 9))
    for name, kind in (("a", 0.0), ("b", 0.0), ("t", 1.0), ("c", 0.0)):
        await desk.come(name, kind)
    assert desk.entered == ["a", "b"]
    await desk.leave("a")
    assert desk.entered == ["a", "b"]
    await desk.leave("b")
    assert desk.entered == ["a", "b", "t"]
    await desk.leave("t")
    assert desk.entered == ["a", "b", "t", "c"]
    await desk.leave("c")


async def test_who_needs_several_places_waits_for_all_of_them_and_is_not_overtaken() -> None:
    desk = Desk(Admission(4, 9))
    for name, places in (("a", 3), ("b", 2), ("c", 1)):
        await desk.come(name, places=places)
    assert (desk.entered, desk.admission.running) == (["a"], 3)
    desk.turns["a"].give_back()
    await asyncio.sleep(0)
    assert (desk.entered, desk.admission.running) == (["a", "b"], 4)
    await desk.leave("b")
    assert (desk.entered, desk.admission.running) == (["a", "b", "c"], 3)
    await desk.leave("a")
    await desk.leave("c")
    assert desk.admission.running == 0


async def test_a_place_is_given_back_once_only() -> None:
    admission = Admission(4, 0)
    async with admission.turn(places=2) as turn, admission.turn():
        for _ in range(5):
            turn.give_back()
        assert admission.running == 1
        turn.end()
    assert admission.running == 0


async def test_a_turn_of_several_given_in_the_moment_of_cancelling_is_given_on() -> None:
    desk = Desk(Admission(4, 9))
    async with desk.admission.turn():
        await desk.come("b", places=4)
    desk.tasks["b"].cancel()
    await asyncio.gather(desk.tasks["b"], return_exceptions=True)
    assert desk.admission.running == 0


async def test_a_failing_turn_is_given_back() -> None:
    admission = Admission(1, 0)
    with pytest.raises(ValueError, match="boom"):
        async with admission.turn():
            raise ValueError("boom")
    async with admission.turn():
        assert admission.running == 1
