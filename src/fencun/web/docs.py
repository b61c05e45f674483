"""The API's own documentation: Swagger UI from our own server, under the strict CSP."""

from copy import deepcopy

from fastapi import Request
from starlette.responses import JSONResponse, Response

from fencun.web.access import router_for
from fencun.web.pages import render
from fencun.web.studio import StudioDep

router = router_for("write", include_in_schema=False)


@router.get("/docs")
async def page(request: Request) -> Response:
    """Show every route of the API, to read and to try."""
    return render(request, "docs.html")


@router.get("/openapi.json")
async def schema(request: Request, studio: StudioDep) -> Response:
    """Return the description of the API that the page is made of, its example the scenario's."""
    told = deepcopy(request.app.openapi())
    brief = told["components"]["schemas"]["WriteRequest"]["properties"]["brief"]
    brief["examples"] = [studio.scenario.whole_example]
    return JSONResponse(told)
