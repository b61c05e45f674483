"""Costly work is done in a process of its own, and never for long."""

import os
import time

import pytest

from fencun.errors import BusyError, RecordError
from fencun.web import apart as module
from fencun.web.apart import apart
from fencun.web.errors import InvalidError


def refuse(what: str) -> None:
    raise RecordError(f"{what}不行。", f"No {what}.", line=3)


def swell() -> int:
    return len([bytes(1 << 20) for _ in range(1 << 14)])


async def test_it_is_another_process_and_a_humble_one() -> None:
    assert await apart(os.getpid) != os.getpid()
    assert await apart(os.getpriority, os.PRIO_PROCESS, 0) > os.getpriority(os.PRIO_PROCESS, 0)


async def test_what_the_work_refuses_is_told() -> None:
    with pytest.raises(RecordError, match="这个不行") as refused:
        await apart(refuse, "这个")
    assert refused.value.line == 3


async def test_work_that_does_not_end_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(InvalidError, match="时间或内存"):
        await apart(time.sleep, 60, late_s=1.0)
    assert time.monotonic() - started < 20


async def test_work_that_swells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidError, match="时间或内存"):
        await apart(swell)


async def test_work_that_dies_is_told() -> None:
    with pytest.raises(InvalidError):
        await apart(os._exit, 9)


async def test_no_more_than_a_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 0)
    with pytest.raises(BusyError):
        await apart(os.getpid)
