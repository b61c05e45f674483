"""The prefix of an address: taken off on the way in, put on where people are sent."""

import re
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

import fencun.web
from fencun.web.prefix import ScenarioPrefix, prefix_of, scenario_named

WEB = Path(fencun.web.__file__).parent


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    to = request.query_params.get("to")
    answer: Response = PlainTextResponse(f"{scenario_named(scope)}|{request.url.path}")
    if to:
        answer = RedirectResponse(to, 303)
    await answer(scope, receive, send)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("/", "|/"),
        ("/seeds", "|/seeds"),
        ("/s", "|/s"),
        ("/seeds/s/x", "|/seeds/s/x"),
        ("/s/note", "note|/"),
        ("/s/note/", "note|/"),
        ("/s/note/seeds/a/b", "note|/seeds/a/b"),
        ("/s/note/s/other/", "note|/s/other/"),
        ("/s/note/metrics", "|/s/note/metrics"),
        ("/s/note/health/", "|/s/note/health/"),
        ("/s/%E4%BE%BF%E6%9D%A1/seeds", "便条|/seeds"),
    ],
)
def test_an_address_names_its_scenario(asked: str, answer: str) -> None:
    assert TestClient(ScenarioPrefix(told)).get(asked).text == answer


@pytest.mark.parametrize(
    ("asked", "to", "sent"),
    [
        ("/seeds", "/history", "/history"),
        ("/s/note/seeds", "/history?a=1", "/s/note/history?a=1"),
        ("/s/note/seeds", "/s/other/", "/s/other/"),
        ("/s/note/seeds", "https://example.org/", "https://example.org/"),
        ("/s/note/seeds/", "http://testserver/seeds", "/s/note/seeds"),
        ("/s/便条/seeds", "/history", "/s/%E4%BE%BF%E6%9D%A1/history"),
    ],
)
def test_who_is_sent_on_stays_in_it(asked: str, to: str, sent: str) -> None:
    client = TestClient(ScenarioPrefix(told))
    answer = client.get(asked, params={"to": to}, follow_redirects=False)
    assert answer.headers["location"] == sent


def test_the_prefix_of_a_name_can_stand_in_an_address() -> None:
    assert prefix_of("") == ""
    assert prefix_of("note") == "/s/note"
    assert prefix_of("a/../b?c") == "/s/a%2F..%2Fb%3Fc"


def test_no_page_leads_out_of_the_scenario_that_it_is_about() -> None:
    """What a template or a script writes as an address of ours begins with the scenario's."""
    for template in (WEB / "templates").glob("*.html"):
        told = template.read_text(encoding="utf-8")
        bare = re.findall(r'(?:href|action|formaction|src)="(/(?!static/)[^"]*)"', told)
        assert bare == [], (template.name, bare)
    for script in (WEB / "static" / "js").glob("*.js"):
        told = script.read_text(encoding="utf-8")
        bare = re.findall(r"(?:fetch|assign|replace|open)\(\s*[`\"'](/[^`\"']*)", told)
        assert bare == [], (script.name, bare)
