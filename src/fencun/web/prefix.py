"""``/s/NAME/…`` is the address ``/…`` in the scenario NAME.

So a tab, a bookmark and a link stay in their scenario, with and without JavaScript, and the process
keeps nothing of who is where.
"""

from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_AT = "/s/"
_NAMED = "fencun.scenario"
_OF_NONE = frozenset({"health", "ready", "metrics"})


class ScenarioPrefix:
    """ASGI middleware: takes the prefix off an address, and puts it on where we send people on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_AT):
            await self._app(scope, receive, send)
            return
        name, _, rest = scope["path"].removeprefix(_AT).partition("/")
        if rest.rstrip("/") in _OF_NONE:  # so a proxy that keeps them in need not know of prefixes
            await self._app(scope, receive, send)
            return
        at = prefix_of(name)
        origin = f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}"

        async def sent_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                to = headers.get("location", "").removeprefix(origin)
                if to.startswith("/") and not to.startswith(_AT):
                    headers["location"] = at + to
            await send(message)

        await self._app({**scope, "path": f"/{rest}", _NAMED: name}, receive, sent_on)


def scenario_named(scope: Scope) -> str:
    """Return the name of the scenario in the address; empty where it names none."""
    return str(scope.get(_NAMED, ""))


def prefix_of(name: str) -> str:
    """Return what stands before an address in the scenario ``name``; empty for the first."""
    return f"{_AT}{quote(name, safe='')}" if name else ""
