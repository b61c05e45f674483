"""The API's own documentation: Swagger UI from our own server, under the strict CSP."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from fencun.web.pages import render

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def page(request: Request) -> Response:
    """Show every route of the API, to read and to try."""
    return render(request, "docs.html")
