"""Who asks: a token in the ``Authorization`` header or in a cookie, or a browser's random id.

Rights are never guessed from an address or a host name. On loopback everybody on the machine may
write, review and vote; beyond it (``closed``) everything takes a token.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from fastapi import Depends, Request, Response

from fencun.errors import BusyError
from fencun.store import tokens
from fencun.store.audit import unnoted
from fencun.store.schema import now
from fencun.store.tokens import Scope

TOKEN_COOKIE = "fencun_token"
VISITOR_COOKIE = "fencun_visitor"
_MONTH_S = 30 * 24 * 3600
_VISITOR = re.compile(r"[0-9a-f]{32}")
_EVERYBODY: frozenset[Scope] = frozenset({"write", "review", "rate"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. ``token`` is the id of their token; empty where they showed none.

    ``bound`` says that what they write and say belongs to that token, not to their browser.
    """

    scopes: frozenset[Scope] = frozenset()
    token: str = ""
    name: str = ""
    daily: int = 0
    bound: bool = False

    def may(self, scope: Scope) -> bool:
        """Whether they may use routes of ``scope``."""
        return scope in self.scopes


class AccessControl:
    """One per app: whether a token is needed."""

    def __init__(self, *, closed: bool) -> None:
        self.closed = closed

    @property
    def anybody(self) -> Caller:
        """Somebody who showed no token."""
        return Caller() if self.closed else Caller(_EVERYBODY)

    async def caller(self, request: Request) -> Caller:
        """Return who sent ``request``, asked of the database once a request."""
        found = getattr(request.state, "caller", None)
        if found is None:
            found = request.state.caller = await self._caller(request)
        assert isinstance(found, Caller)
        return found

    async def _caller(self, request: Request) -> Caller:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        bearer = shown.strip() if scheme.lower() == "bearer" else ""
        plain = bearer or request.cookies.get(TOKEN_COOKIE, "")
        if not plain:
            return self.anybody
        row = await request.app.state.studio.store.aread(lambda s: tokens.find(s, plain))
        if row is None:  # on loopback a key that means nothing opens nothing and closes nothing
            return self.anybody
        scopes = self.anybody.scopes | frozenset(row.scopes)
        return Caller(scopes, row.id, row.name, row.daily, self.closed or bool(bearer))

    async def spend(self, request: Request) -> None:
        """Count one writing of the caller's token, on all servers of the database together.

        Raises:
            BusyError: it had as many today as it may.
        """
        caller = await self.caller(request)
        if not caller.bound or not caller.daily:
            return
        with unnoted():
            spent = request.app.state.studio.store.awrite(lambda s: tokens.spend(s, caller.token))
        if not await spent:
            midnight = datetime.combine(now().date(), time(), UTC) + timedelta(days=1)
            left = int((midnight - now()).total_seconds()) + 1
            raise BusyError(
                f"今天的 {caller.daily} 次已经用完了，明天再来，或请主持人多给一些。",
                f"The {caller.daily} writings of today are used up; come back tomorrow, "
                "or ask your host for more.",
                retry_after=left,
            )


def access_control(request: Request) -> AccessControl:
    """Return what the app allows that serves ``request``."""
    found = request.app.state.access
    assert isinstance(found, AccessControl)
    return found


def known_caller(request: Request) -> Caller:
    """Return the caller as found out already: in front of any route, somebody without token."""
    found = getattr(request.state, "caller", None)
    return found if isinstance(found, Caller) else access_control(request).anybody


def browser(request: Request) -> str:
    """Return the random id that this browser got with its first page; empty for programs."""
    value = request.cookies.get(VISITOR_COOKIE, "")
    return value if _VISITOR.fullmatch(value) else ""


def owner_of(request: Request) -> str:
    """Return to whom belongs what is written: a token, or else a browser; empty for neither."""
    caller = known_caller(request)
    return caller.token if caller.bound else browser(request)


def naming(request: Request) -> Callable[[str], str]:
    """Return what makes a name of what was typed: where tokens are needed, the token's own."""
    own = known_caller(request).name if access_control(request).closed else ""
    return lambda typed: own or typed


Calling = Annotated[Caller, Depends(known_caller)]
Visitor = Annotated[str, Depends(owner_of)]
Naming = Annotated[Callable[[str], str], Depends(naming)]


def keep_token(request: Request, response: Response, plain: str) -> None:
    """Have the browser keep a token. Lax: a link from a chat must find whom it knows."""
    response.set_cookie(
        TOKEN_COOKIE, plain, _MONTH_S, httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip
