"""What is told of every request: an id that its log lines share, one line of its own, counts.

Neither line nor count has an address as it was typed, a query or a body: codes of polls, keys and
what people tell of others stand there.
"""

import json
import logging
import re
import secrets
from contextvars import ContextVar
from datetime import UTC, datetime
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fencun.errors import FencunError
from fencun.web.metrics import Metrics

log = logging.getLogger("fencun.web.request")

HEADER = "X-Request-ID"
_GONE = 499  # nobody waited for the answer
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

request_id: ContextVar[str] = ContextVar("request_id", default="")


class Observer:
    """ASGI middleware around everything else. ``metrics`` are those of the app."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = _identity(Headers(scope=scope).get(HEADER, ""))
        token = request_id.set(identity)
        began, status = perf_counter(), _GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = identity
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._tell(scope, status, perf_counter() - began)
            request_id.reset(token)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = _route(scope)
        self._metrics.answered(method, route, status, seconds)
        told = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
        log.info("%s %s %s", method, route, status, extra={"told": told})


class JsonLines(logging.Formatter):
    """A log record as one line of JSON: ``at``, ``level``, ``logger``, ``request``, ``message``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what a record tells in ``told`` stands beside the rest."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request": request_id.get(),
            "message": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Have this process log to stderr as lines of JSON, a line for every request among them."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    log.setLevel(logging.INFO)


def metrics_of(request: Request) -> Metrics:
    """Return the counts of the app that serves ``request``."""
    found = request.app.state.metrics
    assert isinstance(found, Metrics)
    return found


def count_error(request: Request, error: FencunError) -> None:
    """Count an error that is told to who sent ``request``."""
    metrics_of(request).failed(error.code)


def _identity(shown: str) -> str:
    """Return the id that a proxy gave the request, or a fresh one."""
    return shown if _ID.fullmatch(shown) else secrets.token_hex(8)


def _route(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path
    return "/static" if scope["path"].startswith("/static/") else "none"
