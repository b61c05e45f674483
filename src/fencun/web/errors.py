"""What the web answers when something is wrong: one shape for programs, a page for people."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match

from fencun.errors import FencunError, ModelError
from fencun.web.observe import count_error
from fencun.web.pages import render

log = logging.getLogger("fencun.web")
_SAFE = frozenset({"GET", "HEAD"})


class RequestError(FencunError):
    """A request that cannot be understood. ``field`` names what is at fault."""

    code = "request"

    def __init__(self, zh: str, en: str, *, field: str | None = None) -> None:
        super().__init__(zh, en)
        self.field = field


class InvalidError(RequestError):
    """The request has the right form, but not the right content."""

    status = 422


class SignInError(RequestError):
    """A token is needed. ``location`` is where a browser that asked for a page may show one."""

    code = "token"
    status = 401

    def __init__(self, location: str | None = None) -> None:
        super().__init__(
            "要有令牌才能用，请主持人给一个：fencun token add 名字。",
            "This takes a token; your host makes one: fencun token add NAME.",
        )
        self.location = location


class ForbiddenError(RequestError):
    """Another site tried to act for the person in front of the browser, or they may not."""

    code = "forbidden"
    status = 403


class MissingError(RequestError):
    """There is no such thing here."""

    code = "not_found"
    status = 404


class MethodError(RequestError):
    """This address does not take this kind of request; ``allow`` says which it does."""

    code = "method"
    status = 405

    def __init__(self, allow: str) -> None:
        super().__init__(
            f"这个网址不接受这种请求，只接受 {allow}。", f"Method not allowed; allowed: {allow}."
        )
        self.allow = allow


class SlowError(RequestError):
    """The body did not come, or too slowly."""

    code = "slow"
    status = 408

    def __init__(self) -> None:
        super().__init__(
            "等了太久，内容没有发完；看看网络，再发一次。",
            "The request did not arrive in time; check the network and send it again.",
        )


class TooLargeError(RequestError):
    """The body is larger than this address takes."""

    code = "too_large"
    status = 413


class HostError(RequestError):
    """The request came under a name that is not ours."""

    code = "host"
    status = 421


class BugError(FencunError):
    """Something that should not happen; the log has the details."""

    code = "internal"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "程序出了意外，细节在服务端日志里；您填的内容没有丢，请再试一次。",
            "Something unexpected went wrong; the details are in the server's log. Try again.",
        )


class HTTPRefusal(HTTPException):
    """One of our errors on its way through code that lets only HTTPException pass."""

    def __init__(self, error: FencunError) -> None:
        super().__init__(error.status)
        self.error = error


def install(app: FastAPI) -> None:
    """Register the handlers on ``app``."""
    app.add_exception_handler(FencunError, _on_ours)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def error_body(error: FencunError) -> dict[str, object]:
    """Return the JSON of ``error``, the same in a response and in a stream."""
    told: dict[str, object] = {
        "code": error.code,
        "message": str(error),
        "field": getattr(error, "field", None),
    }
    if error.retry_after is not None:
        told["retry_after"] = error.retry_after
    return {"error": told}


def openai_body(error: FencunError) -> dict[str, object]:
    """Return ``error`` as OpenAI's clients expect it."""
    kind = {429: "rate_limit_error"}.get(
        error.status, "invalid_request_error" if error.status < 500 else "api_error"
    )
    code = "model_not_found" if isinstance(error, ModelError) else error.code
    field = getattr(error, "field", None)
    return {"error": {"message": str(error), "type": kind, "param": field, "code": code}}


def respond(request: Request, error: FencunError) -> Response:
    """Return the answer to a request that failed with ``error``, which is counted."""
    count_error(request, error)
    headers: Mapping[str, str] = (
        {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    )
    if isinstance(error, SlowError):
        headers = {"Connection": "close"}
    if isinstance(error, MethodError):
        headers = {"Allow": error.allow}
    if isinstance(error, SignInError):
        if error.location:
            return RedirectResponse(error.location, 303)
        headers = {"WWW-Authenticate": "Bearer"}
    if request.url.path.startswith("/v1/"):
        return JSONResponse(openai_body(error), error.status, headers)
    if wants_page(request):
        response = render(request, "error.html", status=error.status, message=str(error))
        response.headers.update(headers)
        return response
    return JSONResponse(error_body(error), error.status, headers)


def wants_page(request: Request) -> bool:
    """Whether a browser asked for a page, rather than a program for data."""
    return "text/html" in request.headers.get("accept", "")


async def _on_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, FencunError)
    if error.status >= 500:
        log.warning("%s %s: %s", request.method, request.url.path, error.en)
    return respond(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(step) for step in first["loc"][1:]) or None
    told = f"{field}: {first['msg']}" if field else str(first["msg"])
    kind = RequestError if request.url.path.startswith("/v1/") else InvalidError
    return respond(
        request, kind(f"请求读不了：{told}。", f"The request is malformed: {told}.", field=field)
    )


def _allowed(request: Request) -> str:
    """Return the methods that routes take at the address of ``request``, as ``Allow`` lists them.

    Each route has but some of them, and tells its own only.
    """
    methods: set[str] = set()
    for route in request.app.state.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods
    return ", ".join(sorted(methods or _SAFE))  # the static files are no routes


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, HTTPRefusal):
        return respond(request, error.error)
    if error.status_code == 404:
        return respond(request, MissingError("这里没有东西，看看网址。", "There is nothing here."))
    if error.status_code == 405:
        return respond(request, MethodError(_allowed(request)))
    return respond(
        request,
        RequestError("请求读不了，请检查格式。", f"The request cannot be read ({error.detail})."),
    )
