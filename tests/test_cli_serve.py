"""``fencun serve`` as a process: it says where it is, ends when told, and refuses clearly."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import chat_server
import httpx
import pytest

# An endpoint that nobody answers at: serving needs no model until somebody writes.
NOBODY = {"FENCUN_ENDPOINT": "http://127.0.0.1:9/v1", "FENCUN_ENDPOINT_MODEL": "qwen3-8b"}


def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "fencun", "serve", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )  # fmt: skip


@contextmanager
def served(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    process = start("--port", "0", *arguments, **NOBODY)
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        found = re.search(r"http://\S+", told)
        assert found, (told, process.stderr.read() if process.poll() is not None else "")  # type: ignore[union-attr]
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def get(url: str, **headers: str) -> httpx.Response:
    for _ in range(100):
        try:
            return httpx.get(url, headers=headers, timeout=20, trust_env=False)
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("nobody is listening")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_told_and_ends_at_once(how: signal.Signals, own_home: Path) -> None:
    with served() as (process, url):
        page = get(url, Accept="text/html")
        assert page.status_code == 200
        assert "qwen3-8b" in page.text
        assert get(f"{url}/v1/models").json()["data"][0]["id"] == "spring_festival/bare"
        assert (own_home / "fencun.db").is_file()
        process.send_signal(how)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert "Traceback" not in out + err
        assert "注意" not in err


def test_what_is_being_written_is_finished_before_it_stops() -> None:
    with chat_server.serving() as engine:
        engine.gate.clear()
        process = start(
            "--port", "0", "--grace", "60", "--log-json",
            FENCUN_ENDPOINT=engine.url, FENCUN_ENDPOINT_MODEL="m",
        )  # fmt: skip
        try:
            assert process.stdout is not None
            told = re.search(r"http://\S+", process.stdout.readline())
            assert told
            body = {"brief": {"salutation": "老周", "relation": "发小"}, "draws": 1, "keep": 1}
            with ThreadPoolExecutor(1) as pool:
                writing = pool.submit(
                    httpx.post, f"{told[0]}/api/write", json=body, timeout=60, trust_env=False
                )
                while not engine.asked:
                    time.sleep(0.05)
                process.send_signal(signal.SIGTERM)
                time.sleep(0.5)
                assert process.poll() is None
                engine.gate.set()
                answer = writing.result()
            assert answer.status_code == 200
            assert answer.json()["candidates"][0]["text"] == chat_server.GOOD
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines[-1]["request"] == answer.headers["X-Request-ID"]
    assert (lines[-1]["route"], lines[-1]["status"]) == ("/api/write", 200)


def test_an_engine_that_is_not_there_is_a_typed_error_not_a_crash() -> None:
    with served() as (process, url):
        get(url)
        body = {"brief": {"salutation": "王老师", "relation": "老师"}, "draws": 1, "keep": 1}
        for _ in range(2):
            failed = httpx.post(f"{url}/api/write", json=body, timeout=60, trust_env=False)
            assert failed.status_code == 502
            assert failed.json()["error"]["code"] == "engine"
        assert process.poll() is None


def test_beyond_loopback_it_warns_and_takes_tokens() -> None:
    with served("--host", "0.0.0.0") as (process, url):
        assert get(url).status_code == 401
        assert get(url, Host=socket.gethostname()).status_code == 401
        assert get(url, Host="evil.example").status_code == 421
        made = token("add", "小王", "--scope", "write", "--json")
        plain = json.loads(made.stdout)["token"]
        assert get(url, Authorization=f"Bearer {plain}").status_code == 200
        assert token("revoke", "小王").returncode == 0
        assert get(url, Authorization=f"Bearer {plain}").status_code == 401
        process.send_signal(signal.SIGTERM)
        assert "令牌" in process.communicate(timeout=20)[1]
    log = token("log", "--json").stdout.splitlines()
    assert [json.loads(line)["action"] for line in log] == [
        "token revoke: 小王", "token add: 小王 (write)",
    ]  # fmt: skip


def test_beyond_loopback_nobody_goes_without_a_token() -> None:
    process = start("--port", "0", "--host", "0.0.0.0", "--no-tokens", **NOBODY)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "令牌" in err


def test_the_host_enters_by_the_link_that_is_printed() -> None:
    with served() as (process, url):
        assert process.stdout is not None
        link = re.search(r"http://\S+/enter\?key=\S+", process.stdout.readline())
        assert link
        assert get(f"{url}/verdict").status_code == 403
        with httpx.Client(trust_env=False, timeout=60) as browser:
            assert browser.get(link[0]).status_code == 303
            assert browser.get(f"{url}/verdict").status_code == 200
        assert get(link[0]).status_code == 403
        another = token("link", "--url", url).stdout.strip()
        assert get(another).status_code == 303


def token(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from fencun.cli import main; main()", "token", *arguments],
        capture_output=True, text=True,
    )  # fmt: skip


def test_further_host_names_are_answered_when_asked_for() -> None:
    with served("--allow-host", "fencun.example") as (_, url):
        assert get(url, Host="fencun.example").status_code == 200


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("--port", str(taken.getsockname()[1]), **NOBODY)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "--port 0" in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--model", "nonesuch"), "nonesuch"),
        (("--scenario", "nonesuch"), "nonesuch"),
        (("--arm", "magic"), "magic"),
        (("--arm", "tuned"), "适配器"),
        (("--host", "no.such.host.invalid"), "no.such.host.invalid"),
    ],
)
def test_what_cannot_be_served_is_refused_at_once(arguments: tuple[str, ...], told: str) -> None:
    environment = {} if "--model" in arguments else NOBODY
    process = start("--port", "0", *arguments, **environment)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, out + err
    assert told in err
    assert "Traceback" not in out + err


def test_a_model_that_is_not_fetched_says_how_to_get_it() -> None:
    process = start("--port", "0")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "fencun model fetch" in err


def test_a_newer_database_is_refused_and_left_alone(own_home: Path) -> None:
    from sqlalchemy import text

    from fencun.store.database import Store

    with Store() as store:
        newer = text("UPDATE alembic_version SET version_num = '9999'")
        store.write(lambda session: session.execute(newer))
    before = (own_home / "fencun.db").read_bytes()
    process = start("--port", "0", **NOBODY)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "9999" in err
    assert (own_home / "fencun.db").read_bytes() == before


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_the_address_that_is_told_answers_whatever_is_listened_on() -> None:
    hosts = ("::", "0.0.0.0", "::1") if _has_ipv6() else ("0.0.0.0",)
    for host in hosts:
        with served("--host", host) as (_, url):
            answered = get(f"{url}/v1/models").status_code
            assert answered == (200 if host == "::1" else 401), "beyond loopback with a token only"
            assert ("[" in url) == (host == "::1")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 80, "例" * 30, "::g"])
def test_a_host_that_is_none_is_told(host: str) -> None:
    process = start("--port", "0", "--host", host, **NOBODY)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (1, False), said
    assert "127.0.0.1" in said
