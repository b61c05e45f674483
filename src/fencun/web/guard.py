"""What every request passes before a route sees it: host, origin, size; and our headers."""

import asyncio
import ipaddress
import logging
import re
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fencun.errors import FencunError
from fencun.web.errors import (
    BugError,
    ForbiddenError,
    HostError,
    HTTPRefusal,
    SlowError,
    TooLargeError,
    respond,
)

log = logging.getLogger("fencun.web")

BODY_LIMIT = 64 * 1024
SILENCE_S = 4.0  # the longest that a body may stop coming
SLOWEST_BYTES = 16 * 1024  # a second, over all of it

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"^(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$")


class Guard:
    """ASGI middleware around the whole app.

    ``hosts`` are the names this server answers to, besides ``localhost`` and IP addresses: a
    page of another site cannot make a browser send an address of ours as ``Host`` (DNS
    rebinding always arrives under the other site's name). ``limits`` maps path prefixes to
    body sizes in bytes, where they differ from ``BODY_LIMIT``.
    """

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str] = frozenset(), limits: Mapping[str, int] = {}
    ) -> None:
        self._app = app
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _Sender(send)
        headers = Headers(scope=scope)
        limit = self._limit(scope["path"])
        if error := self._refusal(scope["method"], headers, limit):
            await respond(Request(scope), error)(scope, receive, send)
            return
        try:
            await self._app(scope, _Body(receive, limit), send)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if send.started:
                raise  # half a response is out: all that is left is to break off
            await respond(Request(scope), BugError())(scope, receive, send)

    def _refusal(self, method: str, headers: Headers, limit: int) -> FencunError | None:
        if not self._known_host(headers.get("host", "")):
            return HostError(
                "不认识的主机名；如果要用这个名字访问，启动时加上 --allow-host 名字。",
                "Unknown host name; to use it, start the server with --allow-host NAME.",
            )
        if method not in _SAFE and not _same_origin(headers):
            return ForbiddenError("别的网站不能替您提交。", "Other sites may not post here.")
        length = headers.get("content-length", "")
        if length.isdigit() and (len(length) > 18 or int(length) > limit):
            return too_large(limit)
        return None

    def _known_host(self, header: str) -> bool:
        match = _HOST.match(header.lower())
        if not match:
            return False
        name = match["name"].strip("[]")
        return name in self._hosts or _is_address(name)

    def _limit(self, path: str) -> int:
        fitting = [prefix for prefix in self._limits if path.startswith(prefix)]
        return self._limits[max(fitting, key=len)] if fitting else BODY_LIMIT


def too_large(limit: int) -> TooLargeError:
    """Return the error for a body of more than ``limit`` bytes."""
    return TooLargeError(
        f"内容太大了：最多 {limit // 1024} KiB。",
        f"The request is too large: at most {limit // 1024} KiB.",
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_origin(headers: Headers) -> bool:
    """Whether our own page, or no browser at all, sent this (browsers tell, programs do not)."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


class _Body:
    """Receives a body of at most ``limit`` bytes that keeps coming, and in time."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._read = 0
        self._whole = False
        self._deadline: float | None = None

    async def __call__(self) -> Message:
        """Return the next message; once the body is whole, wait as long as it takes.

        Raises:
            HTTPRefusal: it is too large, or too slow.
        """
        if self._whole:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._deadline = self._deadline or now + SILENCE_S + self._limit / SLOWEST_BYTES
        try:
            async with asyncio.timeout_at(min(now + SILENCE_S, self._deadline)):
                message = await self._receive()
        except TimeoutError:
            raise HTTPRefusal(SlowError()) from None
        self._read += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._read > self._limit:
            raise HTTPRefusal(too_large(self._limit))
        return message


class _Sender:
    """Adds our headers to a response, and remembers that it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)
