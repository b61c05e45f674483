"""What somebody calls themselves: asked once, kept in a cookie, shared by seeds and reviews."""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from starlette.responses import Response

COOKIE = "fencun_name"
_YEAR_S = 365 * 24 * 3600
MAX = 40


def tidy(name: str) -> str:
    """Return ``name`` as it is kept: one line, at most 40 characters; may be empty."""
    return " ".join("".join(c for c in name if c.isprintable() or c.isspace()).split())[:MAX]


def person(request: Request) -> str:
    """Return the name that this browser gave; empty if it gave none."""
    return tidy(unquote(request.cookies.get(COOKIE, "")[:1000]))


def remember(response: Response, name: str) -> None:
    """Have the browser keep ``name``; cookies hold ASCII only."""
    response.set_cookie(COOKIE, quote(tidy(name)), _YEAR_S, httponly=True, samesite="strict")


Person = Annotated[str, Depends(person)]
