"""What the server counts: texts, tokens, faults, errors, requests, the line."""

from collections.abc import Iterator

import pytest
import web_app
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        yield client


def counts(client: TestClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """What ``/metrics`` says: (name, its labels' values) to number."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_is_written_is_counted(client: TestClient) -> None:
    body = {"brief": web_app.BRIEF, "keep": 1, "draws": 4, "seed": 1}
    assert client.post("/api/write", json=body).status_code == 200
    chat = {
        "model": "spring_festival/prompt",
        "messages": [{"role": "user", "content": "称呼：王老师\n关系：老师"}],
    }
    assert client.post("/v1/chat/completions", json=chat).status_code == 200
    found = counts(client)
    assert found["fencun_drafts_total", ("prompt",)] == 5
    assert 0 < found["fencun_drafts_clean_total", ("prompt",)] <= 5
    assert found["fencun_tokens_total", ("prompt",)] > found["fencun_tokens_total", ("completion",)]
    assert found["fencun_requests_total", ("POST", "/api/write", "200")] == 1
    assert found["fencun_request_seconds_count", ("/v1/chat/completions",)] == 1
    assert found["fencun_queue", ("waiting",)] == found["fencun_queue", ("running",)] == 0


def test_faults_and_errors_are_counted_by_kind(scenario: Scenario) -> None:
    engine = FakeEngine(lambda chat, decoding: "作为一个人工智能，祝您身体健康、万事如意！" * 9)
    with web_app.client(web_app.app(scenario, engine)) as client:
        client.post("/api/write", json={"brief": web_app.BRIEF, "keep": 1, "draws": 2})
        client.post("/api/write", json={"brief": {"length": "?"}})
        client.get("/nothing")
        client.get("/api/scenario", headers={"Host": "evil.example"})
        found = counts(client)
    assert found["fencun_drafts_clean_total", ("prompt",)] == 0
    assert found["fencun_gate_faults_total", ("length",)] == 2
    for code in ("brief", "not_found", "host"):
        assert found["fencun_errors_total", (code,)] == 1, code
    assert found["fencun_requests_total", ("GET", "none", "404")] == 1
    assert found["fencun_requests_total", ("GET", "none", "421")] == 1


def test_an_error_in_the_middle_of_a_stream_is_counted(scenario: Scenario) -> None:
    engine = FakeEngine(web_app.TEXTS, fail_after=3)
    with web_app.client(web_app.app(scenario, engine)) as client:
        answer = client.post(
            "/api/write", json={"brief": web_app.BRIEF}, headers={"Accept": "text/event-stream"}
        )
        assert web_app.events(answer.text)[-1][0] == "error"
        assert counts(client)["fencun_errors_total", ("engine",)] == 1
