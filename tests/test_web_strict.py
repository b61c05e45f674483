"""What comes in is read strictly: whole characters, numbers that something can hold."""

from collections.abc import Iterator

import guard_case
import pytest
from fastapi.testclient import TestClient

from fencun.scenario import Scenario


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with guard_case.opened(scenario) as client:
        yield client


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"brief": ' + b"[" * 9000]
)
def test_bodies_that_are_no_json_are_told(client: TestClient, body: bytes) -> None:
    refused = client.post("/api/write", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code in (400, 422)
    assert refused.json()["error"]["code"] == "request"
    assert refused.json()["error"]["message"].startswith("请求读不了")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/seeds?page={'9' * 5000}", None),
        ("GET", f"/api/reviews/{'0' * 32}/next?reviewer=x&after={2**63}", None),
        ("GET", "/api/history?before=0001-01-01T00:00:00%2B14:00", None),
        ("POST", "/api/write", '{"brief": {"salutation": "\\ud800"}}'),
        ("POST", "/api/check", '{"text": "\\udfff", "brief": {}}'),
        ("POST", "/api/write", '{"brief": {}, "seed": ' + "9" * 5000 + "}"),
        ("POST", "/api/cards", '{"text": "好", "\\ud801": "x"}'),
        ("PUT", "/api/seeds/s1", '{"id": "' + "0" * 32 + '", "fields": {}, "base": 1e400}'),
        ("PUT", "/api/seeds/s1", f'{{"id": "{"0" * 32}", "fields": {{}}, "base": {"9" * 30}}}'),
        ("POST", "/api/write", '{"brief": ' + '{"a":' * 500 + "1" + "}" * 500 + "}"),
    ],
)  # fmt: skip
def test_what_no_program_can_hold_is_the_callers_fault(
    client: TestClient, method: str, path: str, body: str | None
) -> None:
    headers = {"Content-Type": "application/json"} if body else {}
    answer = client.request(method, path, content=body, headers=headers)
    assert answer.status_code < 500, answer.text
    if body:
        assert answer.status_code >= 400
        assert answer.json()["error"]["message"]
