"""The model server is killed, stopped, orphaned: typed errors, no hang, and a fresh start."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fencun.errors import EngineError
from fencun.models import embedded
from fencun.models.catalog import catalog
from fencun.models.embedded import EmbeddedEngine
from fencun.models.engine import Decoding, Message, Whole
from fencun.models.installed import path_of

pytestmark = pytest.mark.model

LIGHT = path_of(catalog().find("qwen2.5-coder-0.5b"))
ENDLESS: list[Message] = [{"role": "user", "content": "把一到一万写出来：1，2，3，"}]
LONG = Decoding(max_tokens=400)


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(LIGHT, parallel=2, context=512)
    await engine.start()
    yield engine
    await engine.aclose()


def pid_of(engine: EmbeddedEngine) -> int:
    assert engine.pid is not None
    return engine.pid


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


async def test_a_kill_ends_every_request_at_once_and_the_next_one_works(
    engine: EmbeddedEngine,
) -> None:
    streams = [engine.stream(ENDLESS, LONG) for _ in range(2)]
    for stream in streams:
        await anext(stream)
    waiting = asyncio.create_task(engine.complete(ENDLESS, Decoding(max_tokens=3)))
    await asyncio.sleep(0)
    first = pid_of(engine)
    os.kill(first, signal.SIGKILL)
    started = time.monotonic()
    for stream in streams:
        with pytest.raises(EngineError, match="中途退出"):
            async for _ in stream:
                pass
    assert time.monotonic() - started < 5
    async with asyncio.timeout(60):
        # Who stood in line never notices, and who comes now gets an answer.
        assert (await waiting).completion_tokens == 3
        assert (await engine.complete(ENDLESS, Decoding(max_tokens=2))).completion_tokens == 2
    assert pid_of(engine) != first


async def test_a_kill_ends_all_the_answers_of_a_request_and_those_that_wait(
    engine: EmbeddedEngine,
) -> None:
    stream = engine.stream_many(ENDLESS, LONG, 3)  # two run, one waits for a slot
    await anext(stream)
    os.kill(pid_of(engine), signal.SIGKILL)
    async with asyncio.timeout(5):
        with pytest.raises(EngineError, match="中途退出"):
            async for _ in stream:
                pass
    assert (engine._admission.running, engine.waiting) == (0, 0)
    async with asyncio.timeout(60):
        whole = [
            event
            async for event in engine.stream_many(ENDLESS, Decoding(max_tokens=2), 2)
            if isinstance(event, Whole)
        ]
    assert sorted(event.index for event in whole) == [0, 1]


async def test_a_kill_between_requests_is_not_noticed(engine: EmbeddedEngine) -> None:
    os.kill(pid_of(engine), signal.SIGKILL)
    while engine.pid is not None:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(60):
        assert (await engine.complete(ENDLESS, Decoding(max_tokens=2))).completion_tokens == 2


async def test_a_server_that_hangs_is_given_up_and_replaced() -> None:
    engine = EmbeddedEngine(LIGHT, parallel=1, context=512, first_token_s=60, next_token_s=1.5)
    try:
        stream = engine.stream(ENDLESS, LONG)
        await anext(stream)
        stopped = pid_of(engine)
        os.kill(stopped, signal.SIGSTOP)
        with pytest.raises(EngineError, match="没有动静"):
            async for _ in stream:
                pass
        async with asyncio.timeout(60):
            assert (await engine.complete(ENDLESS, Decoding(max_tokens=2))).text
        assert gone(stopped)
    finally:
        await engine.aclose()


async def test_a_server_that_keeps_dying_is_not_started_in_a_loop(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_LONGEST_BACKOFF_S", 30.0)
    engine._failures = 7
    os.kill(pid_of(engine), signal.SIGKILL)
    while engine.pid is not None:
        await asyncio.sleep(0.01)
    started = time.monotonic()
    with pytest.raises(EngineError, match="秒后再试"):
        await engine.complete(ENDLESS, LONG)
    assert time.monotonic() - started < 1


async def test_a_server_that_cannot_start_in_time_is_killed(tmp_path: Path) -> None:
    engine = EmbeddedEngine(LIGHT, start_s=0.05)
    with pytest.raises(EngineError, match="启动不了"):
        await engine.start()
    assert engine.pid is None
    await engine.aclose()


async def test_closing_ends_the_process_and_what_runs(engine: EmbeddedEngine) -> None:
    running = asyncio.create_task(engine.complete(ENDLESS, LONG))
    await asyncio.sleep(0.3)
    pid = pid_of(engine)
    await engine.aclose()
    await engine.aclose()
    assert gone(pid)
    with pytest.raises(EngineError):
        await running
    with pytest.raises(EngineError, match="已经关闭"):
        await engine.complete(ENDLESS, LONG)


_PARENT = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from fencun.models.embedded import EmbeddedEngine

    async def main():
        engine = EmbeddedEngine(Path(sys.argv[1]), parallel=1, context=512)
        await engine.start()
        print(engine.pid, flush=True)
        await asyncio.sleep(60)

    asyncio.run(main())
    """
)


def test_a_killed_parent_leaves_no_server_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(LIGHT)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        assert not gone(server)
        parent.kill()
        parent.communicate(timeout=30)
    end = time.monotonic() + 10
    while not gone(server):
        assert time.monotonic() < end, "the server outlived its parent"
        time.sleep(0.05)
