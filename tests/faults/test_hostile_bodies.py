"""Fifty hostile bodies at once, on real sockets: each refused in seconds, with memory flat.

``FENCUN_REFUSED_S`` says in how many; ``make soak`` takes five.
"""

import gzip
import io
import os
import resource
import socket
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from urllib.parse import urlsplit

import httpx
import web_app

from fencun.scenario import Scenario

PATHS = ("/api/write", "/api/check", "/v1/chat/completions", "/review", "/api/cards")
REFUSED_S = float(os.environ.get("FENCUN_REFUSED_S", "20"))  # on a machine that does much else
GROWS_MB = 150
JSON = b"application/json"
PARTS = b"multipart/form-data; boundary=x"
FORM = b"application/x-www-form-urlencoded"


def part(name: str, data: bytes) -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'
    return head.encode() + data + b"\r\n"


def workbook_bomb() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(40 << 20))
    return kept.getvalue()


def bodies() -> Iterator[tuple[str, bytes, bytes, bytes]]:
    """Yield a name, headers, a body, and what kind it says it is."""
    big = b'{"text": "' + b"a" * (10 << 20) + b'"}'
    yield "ten megabytes", b"", big, JSON
    yield "ten megabytes in chunks", b"chunked", big, JSON
    yield "brackets", b"", b"[" * 60_000, JSON
    yield "deep objects", b"", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, JSON
    yield "gzip bomb", b"Content-Encoding: gzip\r\n", gzip.compress(bytes(20 << 20)), JSON
    yield "long number", b"", b'{"seed": ' + b"9" * 60_000 + b"}", JSON
    yield "many parts", b"", b"".join(part(f"p{n}", b"1") for n in range(900)) + b"--x--", PARTS
    yield "zip bomb", b"", part("file", workbook_bomb()) + b"--x--\r\n", PARTS
    yield "half a body", b"Content-Length: 60000\r\n", b'{"text": "', JSON
    yield "half a form", b"Content-Length: 60000\r\n", b"salutation=" + b"a" * 900, FORM


def sent(url: str, path: str, headers: bytes, body: bytes, kind: bytes) -> tuple[int, float]:
    """Return the status that came (0: hung up), and after how many seconds."""
    where = urlsplit(url)
    assert where.hostname
    head = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %b\r\n" % (path.encode(), kind)
    if headers == b"chunked":
        head += b"Transfer-Encoding: chunked\r\n\r\n"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        length = b"" if b"Length" in headers else b"Content-Length: %d\r\n" % len(body)
        head += headers + length + b"\r\n"
    started = time.monotonic()
    answer = b""
    with closing(socket.create_connection((where.hostname, where.port or 80), timeout=60)) as line:
        with suppress(OSError):  # it may hang up while we send, and have said why
            line.sendall(head)
            line.sendall(body)
        with suppress(OSError):
            answer = line.recv(64)
    return int(answer[9:12] or 0), time.monotonic() - started


def test_hostile_bodies_are_refused_in_seconds_and_cost_no_memory(scenario: Scenario) -> None:
    web = web_app.app(scenario)
    cases = [(name, path, *rest) for name, *rest in bodies() for path in PATHS]
    with web_app.running(web) as url, ThreadPoolExecutor(16) as pool:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = list(pool.map(lambda case: sent(url, *case[1:]), cases))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
        assert httpx.get(f"{url}/api/scenario", timeout=120).status_code == 200
    assert len(found) == 50
    told = {case[:2]: answer for case, answer in zip(cases, found, strict=True)}
    taken = {case: status for case, (status, _) in told.items() if status and status < 400}
    broken = {case: status for case, (status, _) in told.items() if status >= 500}
    late = {case: seconds for case, (_, seconds) in told.items() if seconds > REFUSED_S}
    assert (taken, broken, late) == ({}, {}, {})
    assert grown < GROWS_MB
