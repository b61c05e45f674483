"""The engine is killed under the web app: a typed error in the stream, and the next press works."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import web_app

from fencun.gates import Gates
from fencun.models.catalog import catalog
from fencun.models.embedded import EmbeddedEngine
from fencun.models.installed import path_of
from fencun.scenario import Scenario
from fencun.web.app import create_app
from fencun.writer import Writer

pytestmark = [pytest.mark.model, pytest.mark.slow]

STREAM = {"Accept": "text/event-stream"}
BODY = {"brief": {**web_app.BRIEF, "length": "长"}, "arm": "bare", "draws": 1, "keep": 1}


class Served:
    """The app over the real light model; ``engine`` is set once it runs."""

    engine: EmbeddedEngine

    def __init__(self, scenario: Scenario) -> None:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Writer]:
            light = path_of(catalog().find("qwen2.5-coder-0.5b"))
            self.engine = EmbeddedEngine(light, parallel=2, context=1024)
            yield Writer(self.engine, Gates(scenario))
            await self.engine.aclose()

        self.app = create_app(scenario, opened, arm="bare")


def kill(served: Served) -> None:
    assert served.engine.pid is not None
    os.kill(served.engine.pid, signal.SIGKILL)


def test_a_killed_engine_ends_every_stream_and_the_next_press_works(scenario: Scenario) -> None:
    served = Served(scenario)
    with web_app.running(served.app) as url, httpx.Client(timeout=120, trust_env=False) as client:
        assert client.post(f"{url}/api/write", json=BODY).status_code == 200
        streams: list[list[tuple[str, str]]] = []
        started = threading.Barrier(3)

        def read() -> None:
            text, waiting = "", True
            with httpx.stream(
                "POST", f"{url}/api/write", json=BODY, headers=STREAM, timeout=120, trust_env=False
            ) as answer:
                for piece in answer.iter_text():
                    text += piece
                    if waiting and "event: piece" in text:
                        waiting = False
                        started.wait(300)
            streams.append(web_app.events(text))

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        started.wait(300)
        began = time.monotonic()
        kill(served)
        for reader in readers:
            reader.join(60)
            assert not reader.is_alive()
        assert time.monotonic() - began < 45
        for events in streams:
            last, data = events[-1]
            if last == "error":
                assert json.loads(data)["error"]["code"] == "engine"
        assert "error" in {events[-1][0] for events in streams}
        after = client.post(f"{url}/api/write", json=BODY)
        assert after.status_code == 200, after.text
        assert after.json()["candidates"]


async def test_a_killed_engine_is_an_error_that_openai_clients_raise(scenario: Scenario) -> None:
    import openai

    served = Served(scenario)
    with web_app.running(served.app) as url:
        http = httpx.AsyncClient(timeout=120, trust_env=False)
        async with openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="any", max_retries=0, http_client=http
        ) as client:
            lines = "\n".join(f"{name}: {value}" for name, value in BODY["brief"].items())  # type: ignore[attr-defined]

            async def ask() -> str:
                stream = await client.chat.completions.create(
                    model="spring_festival/bare",
                    messages=[{"role": "user", "content": lines}],
                    max_tokens=200,
                    temperature=1.0,
                    stream=True,
                )
                text = ""
                async for chunk in stream:
                    text += chunk.choices[0].delta.content or "" if chunk.choices else ""
                    if len(text) > 8:
                        kill_once()
                return text

            killed = False

            def kill_once() -> None:
                nonlocal killed
                if not killed:
                    killed = True
                    kill(served)

            with pytest.raises(openai.APIError):
                await asyncio.wait_for(ask(), 60)
            assert killed
            assert len(await asyncio.wait_for(ask(), 120)) > 8
