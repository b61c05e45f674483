"""An app that answers to a name of its own, and has a route with a bug in it."""

from collections.abc import Iterator
from contextlib import contextmanager

import web_app
from fastapi.testclient import TestClient

from fencun.scenario import Scenario


@contextmanager
def opened(scenario: Scenario) -> Iterator[TestClient]:
    web = web_app.app(scenario, hosts=["fencun.example"])

    @web.get("/boom")
    async def boom() -> None:
        raise RuntimeError("a secret detail")

    with web_app.client(web) as client:
        yield client
