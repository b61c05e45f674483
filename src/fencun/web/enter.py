"""The way in: a token, or the link that ``fencun serve`` prints, exchanged for a cookie."""

import re
from typing import Annotated

from fastapi import Form, Query, Request
from starlette.responses import RedirectResponse, Response

from fencun.store import tokens
from fencun.web.access import router_for
from fencun.web.caller import TOKEN_COOKIE, keep_token, known_caller
from fencun.web.errors import ForbiddenError
from fencun.web.pages import render
from fencun.web.studio import StudioDep

router = router_for(None, noted=False, include_in_schema=False)

_INSIDE = re.compile(r"/(?![/\\])[^\s\\]*")


@router.get("/enter")
async def page(
    request: Request,
    studio: StudioDep,
    key: Annotated[str, Query(max_length=100)] = "",
    to: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """Take the key of a link, once, for a token of the host; without one, ask for a token."""
    if not key:
        return render(request, "enter.html", to=_inside(to), wrong=False)
    plain = await studio.store.awrite(lambda session: tokens.redeem(session, key))
    if plain is None:
        raise ForbiddenError(
            "这个链接用过了，或者过期了。运行 fencun token link 再取一个。",
            "This link was used before, or has run out. fencun token link gives another.",
        )
    response = RedirectResponse(_inside(to), 303)
    keep_token(request, response, plain)
    return response


@router.post("/enter")
async def enter(
    request: Request,
    studio: StudioDep,
    token: Annotated[str, Form(max_length=200)] = "",
    to: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Keep a token in a cookie, if it is one, and go where its holder wanted to."""
    plain = token.strip()
    if await studio.store.aread(lambda session: tokens.find(session, plain)) is None:
        return render(request, "enter.html", status=403, to=_inside(to), wrong=True)
    response = RedirectResponse(_inside(to), 303)
    keep_token(request, response, plain)
    return response


@router.post("/leave")
async def leave(request: Request, studio: StudioDep) -> Response:
    """Forget the token; one that a link gave is worth nothing afterwards."""
    name = known_caller(request).name
    if name.startswith(tokens.OF_A_LINK):
        await studio.store.awrite(lambda session: tokens.revoke(session, name))
    response = RedirectResponse("/enter", 303)
    response.delete_cookie(TOKEN_COOKIE, httponly=True, samesite="lax")
    return response


def _inside(to: str) -> str:
    """Return where to go on: a place of ours, never another site."""
    return to if _INSIDE.fullmatch(to) else "/"
