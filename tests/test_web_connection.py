"""Who neither sends nor reads is let go, and never keeps out who does: on real sockets."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import web_app
from fastapi import Response

from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario
from fencun.web import connection, guard
from fencun.web.access import router_for

HEAD = b"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@contextmanager
def calling(url: str, sent: bytes) -> Iterator[socket.socket]:
    """Yield a connection on which ``sent`` was sent, and nothing more."""
    where = urlsplit(url)
    assert where.hostname
    with closing(socket.create_connection((where.hostname, where.port or 80), timeout=10)) as line:
        line.sendall(sent)
        yield line


def told(line: socket.socket) -> bytes:
    """Return all that comes until the server hangs up."""
    found = b""
    try:
        while more := line.recv(65536):
            found += more
    except ConnectionResetError:
        pass
    return found


def hung_up(line: socket.socket) -> bool:
    """Whether the server hangs up within seconds while we go on sending."""
    end = time.monotonic() + 5
    try:
        while time.monotonic() < end:
            line.sendall(b" ")
            time.sleep(0.05)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /api/scen", HEAD, HEAD + b"X-A: b\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 9],
)
def test_a_head_that_does_not_end_is_given_up(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "_HEAD_S", 0.3)
    monkeypatch.setattr(connection, "_LOOK_S", 0.1)
    with web_app.running(web_app.app(scenario)) as url, calling(url, sent) as line:
        started = time.monotonic()
        assert told(line) == b""
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "body", [b"Content-Length: 900\r\n\r\n{", b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"te']
)
def test_a_body_that_stops_coming_is_told_so(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(guard, "SILENCE_S", 0.3)
    with web_app.running(web_app.app(scenario)) as url, calling(url, HEAD + body) as line:
        answer = told(line)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"slow"' in answer


def test_a_body_that_drips_is_given_up_all_the_same(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SILENCE_S", 0.3)
    monkeypatch.setattr(guard, "SLOWEST_BYTES", 1 << 20)
    head = HEAD + b"Content-Length: 900\r\n\r\n"
    with web_app.running(web_app.app(scenario)) as url, calling(url, head) as line:
        line.settimeout(0.1)
        answer, end = b"", time.monotonic() + 5
        while not answer and time.monotonic() < end:
            line.sendall(b" ")
            try:
                answer = line.recv(65536)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_hundreds_of_half_sent_requests_keep_nobody_out(scenario: Scenario) -> None:
    upload = HEAD + b"Content-Length: 9000\r\n\r\n{"
    with ExitStack() as held, web_app.running(web_app.app(scenario), connections=40) as url:
        for number in range(120):
            sent = (upload, b"GET / HT", b"")[number % 3]
            held.enter_context(calling(url, sent))
        for _ in range(5):
            assert httpx.get(f"{url}/static/css/base.css", timeout=20).status_code == 200


def test_who_is_being_answered_is_not_let_go_for_who_comes(scenario: Scenario) -> None:
    engine = FakeEngine(web_app.TEXTS, delay_s=0.02)
    body = {"brief": web_app.BRIEF, "keep": 1, "draws": 1}
    with ExitStack() as held:
        url = held.enter_context(web_app.running(web_app.app(scenario, engine), connections=8))
        client = held.enter_context(httpx.Client(timeout=30))
        answer = held.enter_context(client.stream("POST", f"{url}/api/write", json=body))
        for _ in range(40):
            held.enter_context(calling(url, b"GET / HT"))
        assert answer.status_code == 200
        answer.read()
        assert answer.json()["candidates"]


def test_a_reader_who_stops_reading_is_let_go(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_READ_S", 0.3)
    monkeypatch.setattr(connection, "_LOOK_S", 0.1)
    web = web_app.app(scenario)
    router = router_for(None)
    router.get("/much")(lambda: Response(b"x" * (64 << 20)))
    web.include_router(router)
    asked = b"GET /much HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with web_app.running(web) as url, calling(url, asked) as line:
        time.sleep(2)
        assert len(told(line)) < 64 << 20


def test_who_goes_on_sending_after_the_answer_is_hung_up_on(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_HEAD_S", 0.3)
    monkeypatch.setattr(connection, "_LOOK_S", 0.1)
    head = HEAD + b"Content-Length: 9000000\r\n\r\n"
    with web_app.running(web_app.app(scenario)) as url, calling(url, head) as line:
        assert line.recv(65536).startswith(b"HTTP/1.1 413 ")
        assert hung_up(line)
