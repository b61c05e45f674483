"""What tests of access share: an app on loopback or on a network, and tokens for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import web_app
from fastapi.testclient import TestClient

from fencun.scenario import Scenario
from fencun.store import tokens
from fencun.store.database import Store
from fencun.store.tokens import Scope


@contextmanager
def opened(scenario: Scenario, closed: bool) -> Iterator[TestClient]:
    """Yield a client of an app on loopback or, ``closed``, on a network."""
    with web_app.client(web_app.app(scenario, closed=closed)) as client:
        client.closed = closed  # type: ignore[attr-defined]
        yield client


def a_token(name: str, *scopes: Scope, daily: int = 0, lasts: timedelta | None = None) -> str:
    with Store() as store:
        return store.write(lambda s: tokens.add(s, name, scopes, daily=daily, lasts=lasts))


def as_one(plain: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {plain}"}
