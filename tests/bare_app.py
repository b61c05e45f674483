"""Ask every page and a card of the web app, with whatever is installed, and print the answers.

Run as a program in an environment that has the extra ``serve`` and nothing else.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.testclient import TestClient

from fencun.gates import Gates
from fencun.models.fake import FakeEngine
from fencun.scenario import load_scenario
from fencun.web.app import create_app
from fencun.writer import Writer


def answers() -> dict[str, int]:
    """Return the status of every page, and of asking for a card."""
    scenario = load_scenario("spring_festival")

    @asynccontextmanager
    async def writer() -> AsyncIterator[Writer]:
        yield Writer(FakeEngine(lambda chat, decoding: "王老师，给您拜年。"), Gates(scenario))

    app = create_app(scenario, writer)
    here = ("127.0.0.1", 50000)
    with TestClient(app, "http://127.0.0.1:8765", client=here) as client:
        found = {page.path: client.get(page.path).status_code for page in app.state.pages}
        found["/api/cards"] = client.post("/api/cards", json={"text": "王老师，好。"}).status_code
    return found


if __name__ == "__main__":
    print(json.dumps(answers()))  # noqa: T201
