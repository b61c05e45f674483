"""Who asks: a token or a browser, and what belongs to whom."""

from collections.abc import Iterator
from pathlib import Path

import access_case
import pytest
import web_app
from access_case import a_token, as_one
from evaluate_study import study_now
from fastapi.testclient import TestClient
from sqlalchemy import text

from fencun.evaluate.study import Study
from fencun.scenario import Scenario
from fencun.store.database import Store


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return study_now(tmp_path, monkeypatch)


@pytest.fixture(params=[False, True], ids=["loopback", "network"])
def client(request: pytest.FixtureRequest, scenario: Scenario) -> Iterator[TestClient]:
    with access_case.opened(scenario, request.param) as client:
        yield client


@pytest.mark.parametrize("proxied", [{}, {"X-Forwarded-For": "127.0.0.1"}, {"Host": "localhost"}])
def test_no_address_and_no_host_name_makes_a_host(
    client: TestClient, proxied: dict[str, str]
) -> None:
    closed: bool = client.closed  # type: ignore[attr-defined]
    refused = client.post("/ballot/close", data={"study": "x"}, headers=proxied)
    assert refused.status_code == (401 if closed else 403)
    assert client.get("/tune", headers=proxied).status_code == (401 if closed else 403)


def test_programs_without_a_token_are_told_in_their_own_shape(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario, closed=True)) as client:
        refused = client.get("/v1/models", headers=as_one("none"))
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "token"
        assert refused.headers["www-authenticate"] == "Bearer"
        plain = a_token("bot", "write")
        assert client.get("/v1/models", headers=as_one(plain)).status_code == 200


def test_history_belongs_to_the_token(client: TestClient) -> None:
    one, other = as_one(a_token("one", "write")), as_one(a_token("other", "write"))
    written = client.post("/api/write", json={"brief": web_app.BRIEF}, headers=one).json()
    body = {
        "model": "spring_festival/prompt",
        "messages": [{"role": "user", "content": "称呼：王老师\n关系：老师"}],
    }
    assert client.post("/v1/chat/completions", json=body, headers=one).status_code == 200
    assert len(client.get("/api/history", headers=one).json()["writings"]) == 2
    assert client.get("/api/history", headers=other).json()["writings"] == []
    assert client.delete("/api/history", headers=other).json() == {"deleted": 0}
    assert client.delete(f"/api/history/{written['id']}", headers=other).status_code == 404
    stranger = client.get("/api/history")
    assert stranger.status_code == 401 or stranger.json()["writings"] == []
    assert client.delete("/api/history", headers=one).json() == {"deleted": 2}


def test_a_token_writes_so_often_a_day(client: TestClient) -> None:
    mine, other = as_one(a_token("eager", "write", daily=2)), as_one(a_token("calm", "write"))
    body = {"brief": web_app.BRIEF, "keep": 1, "draws": 1}
    for _ in range(2):
        assert client.post("/api/write", json=body, headers=mine).status_code == 200
    refused = client.post("/api/write", json=body, headers=mine)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 86400
    assert client.post("/api/write", json=body, headers=other).status_code == 200
    with Store() as store:  # as on another day
        store.write(lambda s: s.execute(text("UPDATE tokens SET day = '2020-01-01'")))
    assert client.post("/api/write", json=body, headers=mine).status_code == 200
