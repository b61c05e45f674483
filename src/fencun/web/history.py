"""The page 记录: what this browser wrote, newest first; to be used again, or deleted."""

from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from fencun.store import writings
from fencun.store.schema import CandidateRow, WritingRow
from fencun.web.access import router_for
from fencun.web.caller import Visitor
from fencun.web.pages import Page, render
from fencun.web.served import Scene, ServedDep
from fencun.web.shapes import candidate_shape
from fencun.web.studio import StudioDep

PAGE = Page("/history", "记录", "History", "write")
router = router_for("write", include_in_schema=False)

_PAGE = 20


@router.get("/history")
async def page(
    request: Request,
    studio: StudioDep,
    served: ServedDep,
    owner: Visitor,
    before: datetime | None = None,
) -> Response:
    """Show a page of the history, of all scenarios together."""
    rows = (
        await studio.store.aread(
            lambda session: writings.history(session, owner, limit=_PAGE + 1, before=before)
        )
        if owner
        else []
    )
    shown = rows[:_PAGE]
    return render(
        request,
        "history.html",
        entries=[_entry(served.declared(row.scenario), row) for row in shown],
        older=shown[-1].created_at.isoformat() if len(rows) > _PAGE else None,
        first=before is None,
    )


@router.post("/history/delete")
async def delete(request: Request, studio: StudioDep, owner: Visitor) -> Response:
    """Delete one writing (``id``) or all of this browser's, and show what is left."""
    identity = (await request.form()).get("id")
    chosen = [identity[:64]] if isinstance(identity, str) and identity else None
    if owner:
        await studio.store.awrite(lambda session: writings.forget(session, owner, chosen))
    return RedirectResponse("/history", 303)


def _entry(scene: Scene | None, row: WritingRow) -> dict[str, Any]:
    """Return a writing as it is shown: by its own scenario, as far as that is still there."""
    scenario = scene.scenario if scene else None
    dimensions = scenario.dimensions if scenario else ()
    asked = [
        told
        for dimension in dimensions
        if dimension.role not in ("salutation", "detail")
        and (told := row.asked.get(dimension.name) or row.brief.get(dimension.name))
    ]
    salutation = scenario.role("salutation") if scenario else None
    detail = scenario.role("detail") if scenario else None
    return {
        "id": row.id,
        "scene": scene,
        "scenario": scene.title if scene else row.scenario,
        "at": row.created_at.isoformat(timespec="seconds"),
        "to": row.brief.get(salutation.name, "") if salutation else "",
        "asked": asked,
        "detail": row.brief.get(detail.name, "") if detail else "",
        "model": f"{row.model} · {row.arm}",
        "candidates": [_candidate(candidate) for candidate in row.candidates],
    }


def _candidate(row: CandidateRow) -> dict[str, Any]:
    """Return a candidate as it reads after its last edit, and what was done with it."""
    edits = [event.text for event in row.events if event.kind == "edited" and event.text]
    judged = [event.kind for event in row.events if event.kind in ("liked", "disliked", "unrated")]
    return {
        **candidate_shape(row),
        "text": edits[-1] if edits else row.text,
        "edited": bool(edits),
        "copied": any(event.kind == "copied" for event in row.events),
        "carded": any(event.kind == "card" for event in row.events),
        "vote": judged[-1] if judged and judged[-1] != "unrated" else None,
    }
