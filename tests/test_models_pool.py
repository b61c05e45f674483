"""Several endpoints as one, with real servers: one of them dies in the middle."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import chat_server
import httpx
import pytest
from chat_server import Said, Server, answer, sse
from endpoint_case import HELLO

from fencun.batch import read_jobs, write_batch
from fencun.errors import BusyError, EngineError
from fencun.files import read_jsonl, write_jsonl
from fencun.gates import Gates
from fencun.models.endpoint import EndpointEngine
from fencun.models.engine import Decoding, Delta, Whole
from fencun.models.open import open_engine
from fencun.models.pool import PoolEngine
from fencun.scenario import Scenario
from fencun.writer import Writer


def by_seed(asked: Said) -> bytes:
    """Say the seed in the same words everywhere."""
    return answer(f"老友，过年好，这是第{asked['seed']}号。")


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(chat_server.serving(by_seed)) for _ in range(2)]


def pool(servers: list[Server], **options: Any) -> PoolEngine:
    return PoolEngine([EndpointEngine(s.url, "m", retries=0) for s in servers], **options)


async def test_the_least_busy_is_asked_first(servers: list[Server]) -> None:
    engine = pool(servers)
    events = [event async for event in engine.stream_many(HELLO, Decoding(seed=7), 4)]
    texts = {event.index: event.completion.text for event in events if isinstance(event, Whole)}
    assert texts == {index: f"老友，过年好，这是第{7 + index}号。" for index in range(4)}
    assert sorted(len(server.asked) for server in servers) == [2, 2]
    await engine.aclose()


async def test_what_one_that_dies_was_asked_is_asked_elsewhere_with_the_same_seed(
    servers: list[Server],
) -> None:
    engine = pool(servers)
    servers[0].cut = 150  # it breaks off after the first words
    pieces: list[Delta | Whole] = [
        event async for event in engine.stream_many(HELLO, Decoding(seed=40), 6)
    ]
    for index in range(6):
        said = "".join(e.text for e in pieces if isinstance(e, Delta) and e.index == index)
        whole = [e.completion.text for e in pieces if isinstance(e, Whole) and e.index == index]
        assert whole == [said] == [f"老友，过年好，这是第{40 + index}号。"]
    assert {asked["seed"] for asked in servers[1].asked} == set(range(40, 46))
    await engine.aclose()


async def test_a_dead_one_is_left_out_and_tried_again_later(servers: list[Server]) -> None:
    now = [100.0]
    engine = pool(servers, clock=lambda: now[0])
    servers[0].cut = 0
    for _ in range(4):
        await engine.complete(HELLO, Decoding())
    assert len(servers[0].asked) == 1, "it is left alone"
    servers[0].cut = None
    now[0] += 10.1
    await engine.complete(HELLO, Decoding())
    assert len(servers[0].asked) == 2
    await engine.aclose()


async def test_a_busy_one_is_passed_over_and_all_busy_is_told(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_: float) -> None:
        pass

    engine = pool(servers)
    servers[0].say = lambda _: (429, {"error": {"message": "rate limited"}})
    assert "第3号" in (await engine.complete(HELLO, Decoding(seed=3))).text
    servers[1].say = servers[0].say
    monkeypatch.setattr("fencun.models.pool.asyncio.sleep", at_once)
    with pytest.raises(BusyError, match="rate limited"):
        await engine.complete(HELLO, Decoding())
    await engine.aclose()


async def test_a_refusal_is_told_and_not_tried_elsewhere(servers: list[Server]) -> None:
    engine = pool(servers)
    for server in servers:
        server.say = lambda _: (401, {"error": "bad key"})
    with pytest.raises(EngineError, match="FENCUN_ENDPOINT_KEY"):
        await engine.complete(HELLO, Decoding())
    assert sum(len(server.asked) for server in servers) == 1
    await engine.aclose()


async def test_a_batch_outlives_one_of_two_servers(
    servers: list[Server], scenario: Scenario, tmp_path: Path
) -> None:
    rows = [
        {"id": f"b{n}", "salutation": "老友", "relation": "发小", "length": "短"} for n in range(12)
    ]
    write_jsonl(tmp_path / "in.jsonl", rows)
    jobs, _ = read_jobs(tmp_path / "in.jsonl", scenario)
    answered = threading.Event()

    def dying(asked: Said) -> bytes:
        if len(servers[0].asked) == 8:
            answered.set()
        return by_seed(asked)

    servers[0].say = dying

    async def kill() -> None:
        await asyncio.to_thread(answered.wait, 60)
        await asyncio.to_thread(servers[0].kill)

    engine = pool(servers)
    writer = Writer(engine, Gates(scenario))
    out = tmp_path / "out.jsonl"
    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        group.create_task(
            write_batch(writer, jobs, out, arm="bare", keep=2, draws=3, seed=1, parallel=4)
        )
    await engine.aclose()
    written = {row["id"]: row for _, row in read_jsonl(out)}  # type: ignore[index,union-attr]
    assert len(written) == len(out.read_text().splitlines()) == 12
    for row in written.values():
        for candidate in row["candidates"]:
            assert candidate["text"] == f"老友，过年好，这是第{candidate['seed']}号。"


async def test_endpoints_by_commas(servers: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_ENDPOINT", f"{servers[0].url}, {servers[1].url}")
    monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "m")
    engine = open_engine()
    assert isinstance(engine, PoolEngine)
    for _ in engine._places:
        assert (await engine.complete(HELLO, Decoding())).text
    await engine.aclose()


def test_the_servers_of_these_tests_are_real(servers: list[Server]) -> None:
    with httpx.Client(trust_env=False) as http:
        told = http.post(f"{servers[0].url}/chat/completions", json={"seed": 1})
    assert told.content == by_seed({"seed": 1})
    assert sse().startswith(b"data: [DONE]")
