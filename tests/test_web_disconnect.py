"""Work for a client only as long as the client is there."""

import asyncio

import httpx
import pytest
import web_app

from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario


@pytest.mark.parametrize("streamed", [True, False])
async def test_closing_the_page_stops_the_generation(scenario: Scenario, streamed: bool) -> None:
    stopped = asyncio.Event()

    class Endless(FakeEngine):
        started = 0
        ended = 0

        async def _stream(self, *_args: object) -> object:  # type: ignore[override]
            self.started += 1
            try:
                while True:
                    yield "年"
                    await asyncio.sleep(0.01)
            finally:
                self.ended += 1

    engine = Endless()
    with web_app.running(web_app.app(scenario, engine)) as url:
        headers = {"Accept": "text/event-stream"} if streamed else {}
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            request = client.build_request(
                "POST", "/api/write", json={"brief": web_app.BRIEF}, headers=headers
            )
            if streamed:
                answer = await client.send(request, stream=True)
                async for _ in answer.aiter_bytes():
                    break
                await answer.aclose()
            else:
                sending = asyncio.create_task(client.send(request))
                await asyncio.sleep(0.5)
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        for _ in range(200):
            if engine.started and engine.ended == engine.started:
                stopped.set()
                break
            await asyncio.sleep(0.02)
        assert stopped.is_set(), (engine.started, engine.ended)
        assert httpx.get(f"{url}/api/history", trust_env=False).json()["writings"] == []
