"""What somebody calls themselves: asked once, kept in a cookie, shared by seeds and reviews."""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from starlette.responses import Response

from fencun.names import tidy_name

COOKIE = "fencun_name"
_YEAR_S = 365 * 24 * 3600


def person(request: Request) -> str:
    """Return the name that this browser gave; empty if it gave none."""
    return tidy_name(unquote(request.cookies.get(COOKIE, "")[:1000]))


def remember(response: Response, name: str) -> None:
    """Have the browser keep ``name``; cookies hold ASCII only."""
    response.set_cookie(COOKIE, quote(tidy_name(name)), _YEAR_S, httponly=True, samesite="strict")


Person = Annotated[str, Depends(person)]
