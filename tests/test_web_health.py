"""For who watches over a server: is it alive, and can it take work."""

from collections.abc import Iterator

import pytest
import web_app
from fastapi.testclient import TestClient

from fencun.errors import StoreError
from fencun.scenario import Scenario
from fencun.store.database import Store


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        yield client


def test_alive_and_ready_are_told_to_anybody(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario, closed=True)) as client:
        client.app.state.studio.warmed.set()  # type: ignore[attr-defined]
        assert client.get("/health").json() == {"alive": True}
        assert client.get("/ready").json() == {"ready": True, "database": True, "warmed": True}
        assert client.head("/ready").status_code == 200
        assert client.get("/metrics").status_code == 401, "numbers are for those who have a token"


def test_without_its_database_it_lives_but_is_not_ready(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Store) -> None:
        raise StoreError("没了", "gone")

    monkeypatch.setattr(Store, "ping", away)
    assert client.get("/health").status_code == 200
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["database"] is False
