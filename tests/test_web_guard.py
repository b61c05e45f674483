"""What stands in front of every route: hosts, origins, sizes, headers, and errors in one shape."""

import json
from collections.abc import Iterator

import guard_case
import pytest
import web_app
from fastapi.testclient import TestClient

from fencun.scenario import Scenario


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with guard_case.opened(scenario) as client:
        yield client


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1:8765", "localhost:1", "LOCALHOST", "[::1]:8765", "192.168.1.7",
        "fencun.example:80",
    ],
)  # fmt: skip
def test_our_own_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/api/scenario", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "a b", "127.0.0.1@evil"],
)
def test_a_rebound_name_is_refused(client: TestClient, host: str) -> None:
    refused = client.get("/api/scenario", headers={"Host": host})
    assert refused.status_code == 421
    assert refused.json()["error"]["code"] == "host"
    assert "allow-host" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://127.0.0.1"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://127.0.0.1:99"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_other_sites_cannot_post(
    client: TestClient, headers: dict[str, str], allowed: bool
) -> None:
    body = {"text": "过年好", "brief": web_app.BRIEF}
    answer = client.post("/api/check", json=body, headers=headers)
    assert (answer.status_code == 200) is allowed
    if not allowed:
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "forbidden"
    form = client.post("/", data=web_app.BRIEF, headers=headers)
    assert (form.status_code == 200) is allowed


def test_other_sites_may_still_link_here(client: TestClient) -> None:
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_a_ten_megabyte_body_is_refused(client: TestClient) -> None:
    big = json.dumps({"text": "年" * 3_500_000, "brief": {}}, ensure_ascii=False).encode()
    assert len(big) > 10_000_000
    for path in ("/api/check", "/api/write", "/v1/chat/completions", "/", "/api/cards"):
        refused = client.post(path, content=big, headers={"Content-Type": "application/json"})
        assert refused.status_code == 413, path
        assert "64 KiB" in refused.text


def test_a_body_that_lies_about_its_size_is_refused_too(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 4096

    form, data = "application/x-www-form-urlencoded", "application/json"
    for path, kind in (("/api/check", data), ("/v1/chat/completions", data), ("/", form)):
        refused = client.post(path, content=chunks(), headers={"Content-Type": kind})
        assert refused.status_code == 413, path


@pytest.mark.parametrize(
    "path", ["/", "/api/scenario", "/static/css/base.css", "/nothing", "/boom", "/docs"]
)
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] in ("no-store", "no-cache")
