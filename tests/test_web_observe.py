"""An id and a line of log for every request, without its words."""

import json
import logging
import re
from collections.abc import Iterator

import pytest
import web_app
from fastapi.testclient import TestClient

from fencun.scenario import Scenario
from fencun.web.observe import JsonLines

TOLD = "高三晚自习后常留下来给我讲数学题"


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        yield client


def test_every_request_has_an_id_and_a_line_without_its_words(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fencun.web.request")
    caplog.handler.setFormatter(JsonLines())
    body = {"brief": {**web_app.BRIEF, "detail": TOLD}, "keep": 1, "draws": 1}
    answer = client.post("/api/write", json=body, headers={"X-Request-ID": "from-the-proxy.1"})
    assert answer.headers["X-Request-ID"] == "from-the-proxy.1"
    forged = client.get("/ballot/abcdefgh123?seat=secretseat1", headers={"X-Request-ID": 'a"\\n'})
    assert re.fullmatch(r"[0-9a-f]{16}", forged.headers["X-Request-ID"])
    lines = [json.loads(line) for line in caplog.text.splitlines() if '"route"' in line]
    assert [(line["request"], line["route"], line["status"]) for line in lines] == [
        ("from-the-proxy.1", "/api/write", 200),
        (forged.headers["X-Request-ID"], "/ballot/{code}", 404),
    ]
    assert all(line["seconds"] >= 0 and line["level"] == "info" for line in lines)
    for secret in (TOLD, "secretseat1", "abcdefgh123"):
        assert secret not in caplog.text


def test_a_bug_is_logged_as_one_line_under_the_id_of_its_request(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object) -> bytes:
        raise RuntimeError("a\nbug")

    monkeypatch.setattr("fencun.web.metrics.Metrics.exposition", broken)
    caplog.handler.setFormatter(JsonLines())
    answer = client.get("/metrics")
    assert answer.status_code == 500
    line = json.loads(caplog.text.splitlines()[0])
    assert line["request"] == answer.headers["X-Request-ID"]
    assert "RuntimeError" in line["trace"]
