"""The web app for tests: with a fake engine, in process or behind a real socket."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fencun.adapter import Adapter
from fencun.gates import Gates
from fencun.models.engine import Engine
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario
from fencun.store import tokens
from fencun.store.database import Store
from fencun.web.app import create_app
from fencun.web.connection import MOST_CONNECTIONS, server_config
from fencun.writer import Writer

# The pages that every scenario has.
PAGES = (
    "/",
    "/history",
    "/scenario",
    "/seeds",
    "/review",
    "/coverage",
    "/tune",
    "/ballot",
    "/verdict",
    "/advise",
)
BRIEF = {
    "salutation": "王老师",
    "relation": "高中班主任",
    "detail": "高三晚自习后常留下来给我讲数学题",
    "occasion": "除夕",
    "style": "真诚走心",
    "length": "短",
}
GOOD = "王老师，除夕了，又想起晚自习后您留下来给我讲题，粉笔灰落一袖子。给您拜年，天冷少站风口。"
TEXTS = (
    GOOD,
    "王老师，给您拜年了。走廊那盏灯我一直记着，如今遇到难题，还是会先停一停，再想一步。",
    "王老师，晚自习那些题早忘了，您讲题时不急不慢的样子没忘。年夜饭您多吃两口，早点睡。",
    "王老师，您好，祝您身体健康、万事如意、阖家欢乐、心想事成！",
    "王老师，今晚家里炖了汤，热气一上来就想起那间教室。过年好，您别再熬夜改卷子了。",
    "王老师，守岁的时候翻到当年的卷子，红笔批注还是您的字。给您拜年，开春我去看您。",
)


_gates: dict[int, tuple[Scenario, Gates]] = {}


def gates_of(scenario: Scenario) -> Gates:
    """Return the gates of ``scenario``, made once: they keep nothing of what they look at."""
    if id(scenario) not in _gates:
        _gates[id(scenario)] = (scenario, Gates(scenario))
    return _gates[id(scenario)][1]


def writer_on(
    scenario: Scenario, engine: Engine, adapter: Adapter | None = None
) -> Callable[[], AbstractAsyncContextManager[Writer]]:
    """Return what ``create_app`` opens: a writer on ``engine``."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Writer]:
        yield Writer(engine, gates_of(scenario), adapter, loaded=[adapter] if adapter else [])
        await engine.aclose()

    return opened


def app(
    scenario: Scenario,
    engine: Engine | None = None,
    adapter: Adapter | None = None,
    **options: Any,
) -> FastAPI:
    """Return the app over ``engine`` (default: a fake one that answers from ``TEXTS``)."""
    opened = writer_on(scenario, engine or FakeEngine(TEXTS), adapter)
    return create_app(scenario, opened, **options)


def client(web: FastAPI) -> TestClient:
    """Return a program's client for ``web``; use it in a ``with`` block."""
    return TestClient(web, base_url="http://127.0.0.1", raise_server_exceptions=False)


def enter(client: TestClient) -> TestClient:
    """Give ``client`` the rights of the host, as the link that ``fencun serve`` prints does."""
    key = client.app.state.studio.store.write(tokens.add_link)  # type: ignore[attr-defined]
    assert client.get("/enter", params={"key": key}, follow_redirects=False).status_code == 303
    return client


def entry(url: str, to: str = "/") -> str:
    """Return a link, good once, by which the host enters the server at ``url`` and lands at ``to``.

    The server must use the database under ``FENCUN_HOME``.
    """
    with Store() as store:
        return f"{url}/enter?key={store.write(tokens.add_link)}&to={quote(to)}"


@contextmanager
def running(web: FastAPI, *, connections: int = MOST_CONNECTIONS) -> Iterator[str]:
    """Serve ``web`` as ``fencun serve`` does, on a free port, in a thread; yield its URL."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = server_config(web, connections=connections)
    config.lifespan, config.timeout_graceful_shutdown = "on", 5
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        _wait(url)
        yield url
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listening.close()
        assert not thread.is_alive()


def _wait(url: str) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(retries=5), trust_env=False) as probe:
        assert probe.get(f"{url}/api/scenario", timeout=120).status_code == 200


def events(text: str) -> list[tuple[str, str]]:
    """Return the (event, data) pairs of a server-sent event stream."""
    found = []
    for block in text.split("\n\n"):
        name, data = "message", []
        for line in block.splitlines():
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
        if data:
            found.append((name, "\n".join(data)))
    return found
