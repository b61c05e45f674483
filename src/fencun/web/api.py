"""The JSON API under ``/api``; its documentation is ``/docs``."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response, status
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse

from fencun.batch import candidate_row
from fencun.brief import Reading, caution, parse_brief, read_fields
from fencun.errors import EngineError
from fencun.store import writings
from fencun.web import sse
from fencun.web.access import Spends, router_for
from fencun.web.caller import Visitor, browser
from fencun.web.disconnect import unless_gone
from fencun.web.errors import MissingError, error_body
from fencun.web.rewrite import changes
from fencun.web.shapes import (
    CheckRequest,
    CheckShape,
    ErrorShape,
    EventRequest,
    ReadRequest,
    ReadShape,
    RewriteRequest,
    WriteRequest,
    WritingShape,
    check_shape,
    kept_shape,
    writing_shape,
)
from fencun.web.studio import Event, KeptWriting, Queued, StudioDep
from fencun.writer import Piece

_ERRORS: dict[int | str, dict[str, Any]] = {
    422: {"model": ErrorShape, "description": "The brief does not fit; `field` says where"},
    429: {"model": ErrorShape, "description": "The line is full; see `Retry-After`"},
    502: {"model": ErrorShape, "description": "The engine failed; the next request may work"},
}
_STREAM = {
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
    "description": "With `Accept: text/event-stream`: events `queued`, `piece`, `done`, `kept`; "
    "`error` ends a stream that failed",
}

router = router_for("write", prefix="/api", tags=["Fencun"])


@router.post(
    "/write",
    response_model=WritingShape,
    responses={**_ERRORS, 200: _STREAM},
    summary="写",
    dependencies=[Spends],
)
async def write(
    request: Request, body: WriteRequest, studio: StudioDep, owner: Visitor
) -> Response:
    """Write for a brief. All at once, or as it comes with `Accept: text/event-stream`."""
    order = studio.order(
        body.brief, arm=body.arm, keep=body.keep, draws=body.draws, seed=body.seed,
        source="page" if browser(request) else "api", owner=owner,
    )  # fmt: skip
    return await _answer(request, studio.write(order))


@router.post(
    "/rewrite",
    response_model=WritingShape,
    responses={**_ERRORS, 200: _STREAM},
    summary="换一个、短一点、轻一点",
    dependencies=[Spends],
)
async def rewrite(
    request: Request, body: RewriteRequest, studio: StudioDep, owner: Visitor
) -> Response:
    """Write one candidate anew: another (`redraw`), shorter, or lighter in tone."""
    return await _answer(request, studio.change(body.candidate, body.change, body.text, owner))


@router.get("/scenario", summary="场景")
async def scenario(studio: StudioDep) -> dict[str, Any]:
    """Return the dimensions that a brief has, their values and aliases, and the arms."""
    declared = studio.scenario
    return {
        "name": declared.name,
        "title": declared.title,
        "en": declared.en,
        "dimensions": [dimension.model_dump() for dimension in declared.dimensions],
        "tact": [topic.model_dump(include={"name", "en", "handling"}) for topic in declared.tact],
        "example": declared.example,
        "arms": list(studio.arms),
        "default_arm": studio.default_arm,
        "changes": list(changes(declared)),
        "model": studio.writer.engine.name,
    }


@router.post("/read", response_model=ReadShape, responses={422: _ERRORS[422]}, summary="怎么理解")
async def read(body: ReadRequest, studio: StudioDep) -> dict[str, Any]:
    """Say how what was typed is understood, before anything is written."""
    told = read_fields(studio.scenario, body.brief)
    detail = studio.scenario.role("detail")
    return {
        "fields": {
            name: {"value": each.value if isinstance(each, Reading) else None, "told": str(each)}
            for name, each in told.items()
        },
        "caution": caution(studio.scenario, body.brief.get(detail.name, "")) if detail else "",
    }


@router.post("/check", response_model=CheckShape, responses={422: _ERRORS[422]}, summary="关卡")
async def check(body: CheckRequest, studio: StudioDep) -> dict[str, Any]:
    """Return what the gates say of a text, for instance after a person has edited it."""
    brief = parse_brief(studio.scenario, body.brief)
    found = await asyncio.to_thread(studio.writer.gates.check, body.text, brief)
    return check_shape(body.text, found)


@router.post(
    "/events", status_code=201, responses={404: {"model": ErrorShape}}, summary="记下一件事"
)
async def event(
    body: EventRequest, studio: StudioDep, owner: Visitor, response: Response
) -> dict[str, bool]:
    """Keep that a person edited, copied, liked … a candidate. Sent twice, it is kept once."""

    def save(session: Session) -> bool | None:
        if writings.find_candidate(session, body.candidate, owner) is None:
            return None
        return writings.save_event(
            session, identity=body.id, candidate_id=body.candidate, kind=body.kind, text=body.text
        )

    new = await studio.store.awrite(save)
    if new is None:
        raise MissingError("没有这一条，或已经删掉了。", "There is no such text (any more).")
    if not new:
        response.status_code = status.HTTP_200_OK
    return {"new": new}


@router.get("/history", summary="记录")
async def history(
    studio: StudioDep,
    owner: Visitor,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: datetime | None = None,
) -> dict[str, Any]:
    """Return what this browser (or, without cookies, any program) wrote, newest first."""
    rows = await studio.store.aread(
        lambda session: writings.history(session, owner, limit=limit, before=before)
    )
    return {
        "writings": [
            {
                **writing_shape(row, tuple(row.candidates)),
                "events": [
                    {"candidate": c.id, "kind": e.kind, "text": e.text, "at": e.at.isoformat()}
                    for c in row.candidates
                    for e in c.events
                ],
            }
            for row in rows
        ],
        "before": rows[-1].created_at.isoformat() if len(rows) == limit else None,
    }


@router.delete("/history/{writing}", summary="删一条记录")
async def forget(writing: str, studio: StudioDep, owner: Visitor) -> dict[str, int]:
    """Delete one writing with its candidates and events, for good."""
    count = await studio.store.awrite(
        lambda session: writings.forget(session, owner, [writing[:64]])
    )
    if not count:
        raise MissingError("没有这条记录，或已经删掉了。", "There is no such record (any more).")
    return {"deleted": count}


@router.delete("/history", summary="清空记录")
async def forget_all(studio: StudioDep, owner: Visitor) -> dict[str, int]:
    """Delete everything that this browser wrote, for good."""
    count = await studio.store.awrite(lambda session: writings.forget(session, owner))
    return {"deleted": count}


async def _answer(request: Request, events: AsyncGenerator[Event, None]) -> Response:
    if "text/event-stream" in request.headers.get("accept", ""):
        return await sse.opened(
            request, _encoded(events), lambda error: sse.last(error_body(error))
        )
    kept = await unless_gone(request, _last(events))
    if kept is None:
        return Response(status_code=499)  # nobody is there to read it
    return JSONResponse(kept_shape(kept))


async def _encoded(events: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(events):
        async for event in events:
            match event:
                case Queued(ahead):
                    yield sse.encode({"ahead": ahead}, "queued")
                case Piece(draw, text):
                    yield sse.encode({"draw": draw, "text": text}, "piece")
                case KeptWriting() as kept:
                    yield sse.encode(kept_shape(kept), "kept")
                case done:
                    told = {"draw": done.draw, "candidate": candidate_row(done.candidate)}
                    yield sse.encode(told, "done")


async def _last(events: AsyncGenerator[Event, None]) -> KeptWriting:
    async with aclosing(events):
        async for event in events:
            if isinstance(event, KeptWriting):
                return event
    raise EngineError("没有写完，请重试。", "Nothing came of it; try again.")
