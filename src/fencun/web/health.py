"""For who watches over the server: is it alive, can it take work, how much does it do."""

import asyncio
from collections.abc import Awaitable

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse

from fencun.errors import StoreError
from fencun.web.access import router_for
from fencun.web.observe import metrics_of

router = router_for(None, noted=False, include_in_schema=False)
counting = router_for("write", noted=False, include_in_schema=False)
routers = (router, counting)

_BOTH = ["GET", "HEAD"]
_PATIENCE_S = 3.0


@router.api_route("/health", methods=_BOTH)
async def health() -> Response:
    """Say that the process answers, whatever it depends on does: only then is it started anew."""
    return JSONResponse({"alive": True})


@router.api_route("/ready", methods=_BOTH)
async def ready(request: Request) -> Response:
    """Say whether to send people here: the database answers and the long prompt has been read.

    A model that does not answer is no reason to send them away: all but writing works.
    """
    studio = request.app.state.studio
    told = {"database": await _answers(studio.store.ping()), "warmed": studio.warmed.is_set()}
    whole = all(told.values())
    return JSONResponse({"ready": whole, **told}, 200 if whole else 503)


@counting.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return what was counted, for Prometheus."""
    return Response(metrics_of(request).exposition(), media_type=CONTENT_TYPE_LATEST)


async def _answers(asked: Awaitable[None]) -> bool:
    try:
        await asyncio.wait_for(asked, _PATIENCE_S)
    except (StoreError, TimeoutError):
        return False
    return True
