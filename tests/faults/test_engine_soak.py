"""Requests without end while the model server is killed: none hangs, and memory stays flat.

``FENCUN_SOAK_S`` says for how long and ``FENCUN_SOAK_KILL_S`` how often it is killed; ``make soak``
takes two hours and kills every five minutes.
"""

import asyncio
import os
import resource
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from fencun.errors import EngineError
from fencun.models.catalog import catalog
from fencun.models.embedded import EmbeddedEngine
from fencun.models.engine import Decoding, Message
from fencun.models.installed import path_of

pytestmark = pytest.mark.model

LASTS_S = float(os.environ.get("FENCUN_SOAK_S", "4"))
KILLED_EVERY_S = float(os.environ.get("FENCUN_SOAK_KILL_S", "1.5"))
PATIENCE_S = 90.0
GROWS_MB = 64
ASKED: list[Message] = [{"role": "user", "content": "用一句话给王老师拜年。"}]


def used() -> tuple[int, int]:
    """Return the memory of this process in MiB, and how many files it holds open."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() >> 20, len(os.listdir("/proc/self/fd"))


async def ask(engine: EmbeddedEngine, ended: Counter[str], until: float) -> None:
    """Ask again and again."""
    while time.monotonic() < until:
        await ask_once(engine, ended)


async def ask_once(engine: EmbeddedEngine, ended: Counter[str]) -> None:
    """Ask, and count how that ended."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            whole = await engine.complete(ASKED, Decoding(max_tokens=6))
        ended["answered" if whole.text else "empty"] += 1
    except EngineError:
        ended["told"] += 1
        await asyncio.sleep(0.2)
    except TimeoutError:
        ended["hung"] += 1


async def kill(engine: EmbeddedEngine, until: float) -> int:
    """Kill the model server now and then; return how often."""
    killed = 0
    while time.monotonic() + KILLED_EVERY_S < until:
        await asyncio.sleep(KILLED_EVERY_S)
        if engine.pid is not None:
            os.kill(engine.pid, signal.SIGKILL)
            killed += 1
    return killed


async def test_no_request_hangs_however_often_the_engine_dies() -> None:
    engine = EmbeddedEngine(path_of(catalog().find("qwen2.5-coder-0.5b")), parallel=2, context=512)
    ended: Counter[str] = Counter()
    try:
        await engine.complete(ASKED, Decoding(max_tokens=2))
        memory, files = used()
        until = time.monotonic() + LASTS_S
        asking = [ask(engine, ended, until) for _ in range(3)]
        killed, *_ = await asyncio.gather(kill(engine, until), *asking)
        await ask_once(engine, ended)
        memory_after, files_after = used()
    finally:
        await engine.aclose()
    assert killed >= 1
    assert ended["answered"] > 0
    assert (ended["hung"], ended["empty"]) == (0, 0), ended
    assert memory_after - memory < GROWS_MB
    assert files_after - files < 16
