"""What a caller may. Nothing is allowed that a router does not name.

A router is made by :func:`router_for`, which names the scope that all its routes need; the app
refuses to start with a route that names none. The scope is asked for before a body is read.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from fencun.store.audit import Act, acting
from fencun.store.tokens import Scope
from fencun.web.caller import Caller, access_control
from fencun.web.errors import ForbiddenError, SignInError, wants_page
from fencun.web.strict import StrictRequest

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NAMES: dict[Scope, tuple[str, str]] = {
    "write": ("写", "writing"),
    "review": ("审阅和写种子", "reviewing and seeds"),
    "rate": ("投票", "voting"),
    "host": ("主持", "hosting"),
}


class Needs:
    """The dependency of a router: its ``scope`` (None: anybody), and that what it does is noted."""

    def __init__(self, scope: Scope | None, *, noted: bool = True) -> None:
        self.scope = scope
        self._noted = noted

    async def __call__(self, request: Request) -> None:
        """Refuse who may not; have the log note what the others do.

        Raises:
            SignInError: a token is needed and none was shown.
            ForbiddenError: the token, or no token, is not good for this.
        """
        if getattr(request.state, "admitted", None) is self:
            return
        caller = await access_control(request).caller(request)
        if self.scope is not None and not caller.may(self.scope):
            raise _refusal(request, caller, self.scope)
        changes = self._noted and request.method not in _SAFE
        act = Act(f"{request.method} {request.url.path}", caller.token, caller.name)
        acting.set(act if changes else None)
        request.state.admitted = self

    async def note_host(self, request: Request) -> None:
        """Note what the host does before it is done: much of it lies outside the database."""
        if self.scope == "host" and request.method not in _SAFE:
            await request.app.state.studio.store.awrite(lambda session: None)
            acting.set(None)


def _refusal(request: Request, caller: Caller, scope: Scope) -> ForbiddenError | SignInError:
    if access_control(request).closed and not caller.token:
        page = request.method in _SAFE and wants_page(request)
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return SignInError(f"/enter?to={quote(target)}" if page else None)
    if scope == "host":
        return ForbiddenError(
            "这里是主持人用的。打开启动时终端里印的那个链接；用过了，"
            "运行 fencun token link 再取一个。",
            "This is for the host. Open the link that was printed at the start; if it is used up, "
            "fencun token link gives another.",
        )
    zh, en = _NAMES[scope]
    return ForbiddenError(
        f"您的令牌不能用来{zh}，请主持人给一个能用的。",
        f"Your token is not good for {en}; ask your host for one that is.",
    )


class GuardedRoute(APIRoute):
    """A route that asks who comes before it reads a body, and then reads strictly."""

    @property
    def needs(self) -> Needs:
        """What the route needs; a route that names nothing is a mistake of ours."""
        found = [d.dependency for d in self.dependencies if isinstance(d.dependency, Needs)]
        assert len(found) == 1, f"{self.path} must name one scope"
        return found[0]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler behind the question."""
        handler, needs = super().get_route_handler(), self.needs

        async def guarded(request: Request) -> Response:
            await needs(request)
            await needs.note_host(request)
            return await handler(StrictRequest(request.scope, request.receive))

        return guarded


def router_for(scope: Scope | None, *, noted: bool = True, **options: Any) -> APIRouter:
    """Return a router whose every route needs ``scope``; ``None`` says: anybody at all.

    ``noted=False`` leaves changes out of the audit log: for what is kept with every keystroke.
    """
    needs = Depends(Needs(scope, noted=noted))
    return APIRouter(dependencies=[needs], route_class=GuardedRoute, **options)


async def _spend(request: Request) -> None:
    await access_control(request).spend(request)


# On a route that writes: counts it for the caller's token.
Spends = Depends(_spend)
