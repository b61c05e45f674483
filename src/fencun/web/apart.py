"""Costly work on what a stranger sent, in a process of its own: capped, and ended when late."""

import asyncio
import multiprocessing
import os
import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from fencun.errors import BusyError, FencunError
from fencun.web.errors import InvalidError

T = TypeVar("T")

MEMORY_BYTES = 2 << 30
LATE_S = 180.0
_AT_ONCE = 2
_MOST_WAITING = 8
_NICENESS = 10

_workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fencun-apart")
_context = multiprocessing.get_context("spawn")


async def apart(work: Callable[..., T], *arguments: Any, late_s: float = LATE_S) -> T:
    """Return ``work(*arguments)``, worked out in a process of its own.

    All of it must pickle. Two such processes run at once, each with at most ``MEMORY_BYTES`` of
    memory and ``late_s`` seconds.

    Raises:
        FencunError: what ``work`` raised.
        InvalidError: it took too long or too much memory.
        BusyError: too many are waiting.
    """
    if _workers._work_queue.qsize() >= _MOST_WAITING:
        raise BusyError(
            "正在看的文件太多了，过一会儿再交。",
            "Too many files are being read; upload it again later.",
            retry_after=30,
        )
    loop = asyncio.get_running_loop()
    result = await loop.run_in_executor(_workers, _run, work, arguments, late_s)
    if isinstance(result, Exception):
        raise result
    return result  # type: ignore[no-any-return]


def _run(work: Callable[..., Any], arguments: tuple[Any, ...], late_s: float) -> Any:
    """Return what the process says: a result, or the error that it met."""
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(
        target=_child, args=(theirs, work, arguments, late_s), daemon=True, name="fencun-apart"
    )
    with ours:
        process.start()
        theirs.close()
        try:
            return ours.recv() if ours.poll(late_s) else _too_much()
        except EOFError:  # it was killed, or ran out of memory while it answered
            return _too_much()
        finally:
            process.kill()
            process.join()
            process.close()


def _child(
    pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...], late_s: float
) -> None:
    os.nice(_NICENESS)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (int(late_s) + 1, int(late_s) + 1))
    try:
        pipe.send(work(*arguments))
    except FencunError as error:
        pipe.send(error)
    except MemoryError:
        pipe.send(_too_much())


def _too_much() -> InvalidError:
    return InvalidError(
        "这个文件看起来要花太多时间或内存，没有收下；请分成几个小文件再交。",
        "Reading this file took too much time or memory; it was not taken. Split it and try again.",
    )
