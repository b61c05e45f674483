"""What requests share: places in line, the store, prompts read ahead."""

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest
import web_app

from fencun.models.engine import Decoding, Message
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario
from fencun.store.database import Store


def test_the_long_prompt_is_read_ahead(scenario: Scenario) -> None:
    engine = FakeEngine(web_app.TEXTS)
    with web_app.client(web_app.app(scenario, engine)):
        for _ in range(100):
            if engine.warmed:
                break
            time.sleep(0.02)
    assert engine.warmed
    assert engine.warmed[0][0]["role"] == "system"
    assert engine.closed


def slow(texts: tuple[str, ...]) -> FakeEngine:
    def answer(_: object, decoding: Decoding) -> str:
        return texts[decoding.seed % len(texts)]

    return FakeEngine(answer, delay_s=0.01, piece=8)


async def test_sixteen_people_at_once_are_all_served_the_oldest_first(scenario: Scenario) -> None:
    finished: list[int] = []
    with web_app.running(web_app.app(scenario, slow(web_app.TEXTS))) as url:

        async def press(client: httpx.AsyncClient, number: int, there: asyncio.Event) -> int:
            body = {"brief": web_app.BRIEF, "seed": number}
            headers = {"Accept": "text/event-stream"}
            text = ""
            async with client.stream("POST", "/api/write", json=body, headers=headers) as answer:
                async for piece in answer.aiter_text():
                    there.set()  # it stands in line, or is being served
                    text += piece
            finished.append(number)
            name, kept = web_app.events(text)[-1]
            assert name == "kept"
            assert len(json.loads(kept)["candidates"]) == 3
            return answer.status_code

        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            tasks = []
            for number in range(16):
                there = asyncio.Event()
                tasks.append(asyncio.create_task(press(client, number, there)))
                await asyncio.wait_for(there.wait(), 60)
            assert await asyncio.gather(*tasks) == [200] * 16
    for place, number in enumerate(finished):
        assert abs(place - number) <= 1, finished  # two are served at once


async def test_past_the_bound_people_are_told_when_to_come_back(scenario: Scenario) -> None:
    web = web_app.app(scenario, slow(web_app.TEXTS), parallel=1, waiting=3)
    with web_app.running(web) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            presses = [client.post("/api/write", json={"brief": web_app.BRIEF}) for _ in range(12)]
            answers = await asyncio.gather(*presses)
            statuses = [answer.status_code for answer in answers]
            assert statuses.count(200) >= 4
            assert set(statuses) == {200, 429}
            for answer in answers:
                if answer.status_code == 429:
                    assert int(answer.headers["Retry-After"]) >= 1
            again = await client.post("/api/write", json={"brief": web_app.BRIEF})
            assert again.status_code == 200


async def test_those_in_line_are_told_how_many_are_before_them(scenario: Scenario) -> None:
    web = web_app.app(scenario, slow(web_app.TEXTS), parallel=1)
    with web_app.running(web) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:

            async def stream() -> list[tuple[str, str]]:
                answer = await client.post(
                    "/api/write",
                    json={"brief": web_app.BRIEF},
                    headers={"Accept": "text/event-stream"},
                )
                return web_app.events(answer.text)

            told = await asyncio.gather(*(stream() for _ in range(4)))
    ahead = sorted(
        json.loads(data)["ahead"]
        for events in told
        for name, data in events[:1]
        if name == "queued"
    )
    assert ahead == [0, 1, 2]
    assert all(events[-1][0] == "kept" for events in told)


def test_a_store_that_fails_is_told_and_the_writing_goes_on_working(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3
    from contextlib import closing

    monkeypatch.setattr("fencun.store.database._PATIENCE_S", 0.1)
    path = tmp_path / "fencun.db"
    web = web_app.app(scenario, store=lambda: Store(f"sqlite:///{path}"))
    with web_app.client(web) as client:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            failed = client.post("/api/write", json={"brief": web_app.BRIEF})
            assert failed.status_code == 503
            assert failed.json()["error"]["code"] == "store"
            assert failed.headers["Retry-After"] == "5"
            other.execute("ROLLBACK")
        assert client.post("/api/write", json={"brief": web_app.BRIEF}).status_code == 200


def test_messages_are_never_changed_by_what_is_warmed(scenario: Scenario) -> None:
    engine = FakeEngine(web_app.TEXTS)
    with web_app.client(web_app.app(scenario, engine)) as client:
        client.post("/api/write", json={"brief": web_app.BRIEF})
    told: list[Message] = engine.calls[0][0]
    assert told[-1]["content"].startswith("称呼：王老师")
