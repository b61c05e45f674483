"""The way in: a link once, a token, and nowhere else afterwards."""

from collections.abc import Iterator

import access_case
import pytest
import web_app
from access_case import a_token
from fastapi.testclient import TestClient

from fencun.scenario import Scenario
from fencun.store import tokens
from fencun.web.caller import TOKEN_COOKIE


@pytest.fixture(params=[False, True], ids=["loopback", "network"])
def client(request: pytest.FixtureRequest, scenario: Scenario) -> Iterator[TestClient]:
    with access_case.opened(scenario, request.param) as client:
        yield client


def test_the_link_opens_once_and_lasts_a_restart(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        key = client.app.state.studio.store.write(tokens.add_link)  # type: ignore[attr-defined]
        entered = client.get("/enter", params={"key": key, "to": "/tune"}, follow_redirects=False)
        assert entered.headers["location"] == "/tune"
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert client.get("/tune").status_code == 200
        mine = client.cookies[TOKEN_COOKIE]
        client.cookies.clear()
        again = client.get("/enter", params={"key": key})
        assert again.status_code == 403
        assert "fencun token link" in again.text
        assert TOKEN_COOKIE not in client.cookies
    with web_app.client(web_app.app(scenario)) as client:
        client.cookies.set(TOKEN_COOKIE, mine)
        assert client.get("/tune").status_code == 200
        client.post("/leave")
        client.cookies.set(TOKEN_COOKIE, mine)
        assert client.get("/tune").status_code == 403


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:x",
        "/a b",
    ],
)
def test_entering_leads_nowhere_else(client: TestClient, to: str) -> None:
    plain = a_token("小王", "write")
    entered = client.post("/enter", data={"token": plain, "to": to}, follow_redirects=False)
    assert entered.headers["location"] == "/"


def test_a_page_asks_for_a_token_and_goes_on_where_one_wanted(scenario: Scenario) -> None:
    plain = a_token("小王", "rate", "write")
    with web_app.client(web_app.app(scenario, closed=True)) as client:
        asked = client.get("/ballot?x=1", headers={"Accept": "text/html"})
        assert asked.url.path == "/enter"
        assert 'value="/ballot?x=1"' in asked.text
        wrong = client.post("/enter", data={"token": "fencun-no"}, headers={"Accept": "text/html"})
        assert wrong.status_code == 403
        assert TOKEN_COOKIE not in client.cookies
        entered = client.post("/enter", data={"token": f" {plain}\n", "to": "/ballot?x=1"})
        assert entered.status_code == 200
        assert entered.url.path == "/ballot"
        assert "小王" in entered.text
        assert client.get("/seeds").status_code == 403
