"""What the web answers when something is wrong: one shape for programs, a page for people."""

from collections.abc import Iterator

import guard_case
import pytest
from fastapi.testclient import TestClient

from fencun.scenario import Scenario


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with guard_case.opened(scenario) as client:
        yield client


PAGE = {"Accept": "text/html,application/xhtml+xml"}


def test_errors_have_one_shape_for_programs_and_a_page_for_people(client: TestClient) -> None:
    missing = client.get("/nothing")
    assert missing.status_code == 404
    assert set(missing.json()["error"]) == {"code", "message", "field"}
    wrong = client.post("/api/scenario")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method")
    assert wrong.headers["allow"] == "GET"
    assert client.put("/api/history").headers["allow"] == "DELETE, GET"
    assert client.delete("/v1/models").headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.post("/static/css/base.css").headers["allow"] == "GET, HEAD"
    assert client.delete("/", headers=PAGE).headers["allow"] == "GET, POST"
    page = client.get("/nothing", headers=PAGE)
    assert page.status_code == 404
    assert "<h1>没成</h1>" in page.text


def test_a_bug_is_told_without_its_details(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    for headers in ({}, PAGE):
        failed = client.get("/boom", headers=headers)
        assert failed.status_code == 500
        assert "secret" not in failed.text
        assert "再试一次" in failed.text
    assert "a secret detail" in caplog.text


def test_english_when_asked(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_LANG", "en")
    assert "nothing here" in client.get("/nothing").json()["error"]["message"]
    page = client.get("/", headers=PAGE).text
    assert '<html lang="en"' in page
    assert "Write three" in page
