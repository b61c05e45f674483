"""What somebody calls themselves: asked once, kept in a cookie, shared by seeds and reviews."""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from starlette.responses import Response

from fencun.names import tidy_name
from fencun.web.caller import naming

COOKIE = "fencun_name"
_YEAR_S = 365 * 24 * 3600


def person(request: Request) -> str:
    """Return the name of the caller's token where tokens are needed, else what the browser gave.

    Empty if it gave none.
    """
    return naming(request)(tidy_name(unquote(request.cookies.get(COOKIE, "")[:1000])))


def remember(response: Response, name: str) -> None:
    """Have the browser keep ``name``; cookies hold ASCII only."""
    response.set_cookie(COOKIE, quote(tidy_name(name)), _YEAR_S, httponly=True, samesite="lax")


Person = Annotated[str, Depends(person)]
