"""The page 审阅: one draft at a time, two people agree on it, nothing is dropped in silence."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import Form, Query, Request, UploadFile
from pydantic import StringConstraints
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from fencun.data.lines import DRAFTS
from fencun.errors import FencunError
from fencun.language import say
from fencun.names import tidy_name
from fencun.store import intake, reviews, seeds
from fencun.store.reviews import REASONS, Reason
from fencun.store.schema import BatchRow, Decision, DraftRow, DraftState
from fencun.store.writings import new_id
from fencun.web.access import router_for
from fencun.web.apart import apart
from fencun.web.caller import Naming
from fencun.web.download import jsonl
from fencun.web.errors import MissingError
from fencun.web.pages import Page, render
from fencun.web.person import Person, remember
from fencun.web.review_view import batch_shape, line_shape, state_shape
from fencun.web.shapes import Id, RequestShape, Shown
from fencun.web.studio import Studio, StudioDep

PAGE = Page("/review", "审阅", "Review", "review")
BODY_LIMITS = {"/review": intake.MAX_BYTES + (64 << 10)}
router = router_for("review")

_SHOWN = 30
Name = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Kind = Literal["conflict", "accepted", "rejected", "aside", "unusable"]


class OpinionRequest(RequestShape):
    """What a reviewer says. ``id`` is made by the client: sent twice, it is one opinion.

    ``text`` is the text that is meant: as it was shown, or as it was edited.
    """

    id: Id
    draft: Id
    reviewer: Name
    decision: Decision
    text: Shown
    reason: Reason | None = None


class OpinionBackRequest(RequestShape):
    """One's own opinion taken back, or a draft that was set aside brought back."""

    draft: Id
    reviewer: Name


@router.get("/review", include_in_schema=False)
async def overview(request: Request, studio: StudioDep, name: Person) -> Response:
    """Show the batches, how they go, and how to bring in another."""
    return await _overview(request, studio, name)


async def _overview(
    request: Request, studio: Studio, name: str, error: FencunError | None = None
) -> Response:
    found = await studio.store.aread(lambda s: reviews.summaries(s, studio.scenario.name))
    shipped = studio.scenario.folder / DRAFTS
    return render(
        request,
        "reviews.html",
        status=error.status if error else 200,
        batches=[batch_shape(summary) for summary in found],
        practice=shipped.is_file(),
        name=name,
        error=error,
        megabytes=intake.MAX_BYTES >> 20,
        lines=intake.MAX_LINES,
    )


@router.post("/review", include_in_schema=False)
async def upload(request: Request, studio: StudioDep, name: Person, file: UploadFile) -> Response:
    """Take a JSON Lines file of drafts."""
    data = await file.read()
    try:
        batch = await _taken(studio, file.filename or "", data)
    except FencunError as error:
        return await _overview(request, studio, name, error)
    return RedirectResponse(f"/review/{batch.id}", 303)


@router.post("/review/practice", include_in_schema=False)
async def practice(studio: StudioDep) -> Response:
    """Make a queue of the scenario's own drafts, to practise on; its files stay as they are."""
    path = studio.scenario.folder / DRAFTS
    if not path.is_file():
        raise MissingError("这个场景没有自带草稿。", "This scenario ships no drafts.")
    data = await asyncio.to_thread(path.read_bytes)
    batch = await _taken(
        studio, say("场景自带的草稿（练习）", "The scenario's own (practice)"), data
    )
    return RedirectResponse(f"/review/{batch.id}", 303)


async def _taken(studio: Studio, name: str, data: bytes) -> BatchRow:
    """Return the batch of a file; one that is there already is not read again."""
    said = intake.fingerprint(data)
    there = await studio.store.aread(lambda s: reviews.same_batch(s, studio.scenario.name, said))
    if there:
        return there
    known = await studio.store.aread(lambda s: seeds.known(s, studio.scenario))
    if len(data) > intake.SMALL_BYTES:
        batch, drafts = await apart(
            intake.read_batch_anew, studio.scenario.folder, name, data, known
        )
    else:
        batch, drafts = await asyncio.to_thread(
            intake.read_batch, studio.scenario, studio.writer.gates, name, data, known
        )
    return await studio.store.awrite(lambda s: reviews.add_batch(s, batch, drafts))


@router.post("/review/name", include_in_schema=False)
async def introduce(
    name: Annotated[str, Form(max_length=200)], batch: Annotated[str, Form(max_length=32)] = ""
) -> Response:
    """Remember what the reviewer is called; an empty name is forgotten."""
    response = RedirectResponse(f"/review/{batch}" if batch.isalnum() else "/review", 303)
    remember(response, tidy_name(name))
    return response


@router.get("/review/{batch}", include_in_schema=False)
async def queue(request: Request, studio: StudioDep, batch: str, name: Person) -> Response:
    """Show the queue, one draft at a time."""
    summary = await studio.store.aread(lambda s: reviews.summary(s, reviews.find_batch(s, batch)))
    return render(
        request,
        "review.html",
        batch=batch_shape(summary),
        name=name,
        reasons=studio.scenario.words.named(REASONS),
        kind="open",
    )


@router.get("/review/{batch}/accepted.jsonl", include_in_schema=False)
async def export(studio: StudioDep, batch: str) -> Response:
    """Download the drafts that two people accepted, as they agreed on them."""

    def rows(session: Session) -> list[dict[str, Any]]:
        reviews.find_batch(session, batch)
        return reviews.accepted(session, studio.scenario, batch)

    return jsonl("accepted.jsonl", await studio.store.aread(rows))


@router.get("/review/{batch}/reviews.jsonl", include_in_schema=False)
async def export_log(studio: StudioDep, batch: str) -> Response:
    """Download every opinion, those taken back too."""

    def rows(session: Session) -> list[dict[str, Any]]:
        reviews.find_batch(session, batch)
        return reviews.log(session, batch)

    return jsonl("reviews.jsonl", await studio.store.aread(rows))


@router.get("/review/{batch}/{kind}", include_in_schema=False)
async def lines(
    request: Request,
    studio: StudioDep,
    batch: str,
    kind: Kind,
    name: Person,
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """Show the drafts of one state, with all that was said of them."""

    def found(session: Session) -> tuple[reviews.Summary, list[DraftRow]]:
        summary = reviews.summary(session, reviews.find_batch(session, batch))
        if kind == "unusable":
            return summary, []
        state: DraftState = kind
        offset = _SHOWN * (page - 1)
        return summary, list(reviews.listed(session, batch, state, offset=offset, limit=_SHOWN + 1))

    summary, rows = await studio.store.aread(found)
    bad = summary.batch.unusable
    return render(
        request,
        "review_lines.html",
        batch=batch_shape(summary),
        kind=kind,
        lines=[line_shape(studio.scenario, row) for row in rows[:_SHOWN]],
        unusable=bad[_SHOWN * (page - 1) : _SHOWN * page] if kind == "unusable" else [],
        name=name,
        reasons=studio.scenario.words.named(REASONS),
        page=page,
        more=len(bad) > _SHOWN * page if kind == "unusable" else len(rows) > _SHOWN,
    )


@router.post("/review/{batch}/settle", include_in_schema=False)
async def settle(
    studio: StudioDep,
    batch: str,
    name: Person,
    draft: Annotated[str, Form(max_length=32)],
    decision: Annotated[Decision, Form()],
    text: Annotated[str, Form(max_length=4000)],
    reason: Annotated[Reason | None, Form()] = None,
) -> Response:
    """Give one's opinion on a draft that two disagree about, from the list of conflicts."""
    text = text.replace("\r\n", "\n")
    await studio.store.awrite(
        lambda session: reviews.decide(
            session, draft, name, identity=new_id(), decision=decision, text=text, reason=reason
        )
    )
    return RedirectResponse(f"/review/{batch}/conflict", 303)


@router.post("/review/{batch}/back", include_in_schema=False)
async def bring_back(
    studio: StudioDep,
    batch: str,
    name: Person,
    draft: Annotated[str, Form(max_length=32)],
    kind: Annotated[Kind, Form()] = "aside",
) -> Response:
    """Put a draft that was set aside or rejected back into the queue."""
    await studio.store.awrite(lambda session: reviews.bring_back(session, draft, name))
    return RedirectResponse(f"/review/{batch}/{kind}", 303)


@router.get("/api/reviews", tags=["Fencun"], summary="审阅进度")
async def progress(studio: StudioDep) -> dict[str, Any]:
    """Return how every batch under review goes: drafts by state, reviewers, reasons."""
    found = await studio.store.aread(lambda s: reviews.summaries(s, studio.scenario.name))
    return {"batches": [batch_shape(summary) for summary in found]}


@router.get("/api/reviews/{batch}/next", tags=["Fencun"], summary="下一条")
async def following(
    batch: Id,
    studio: StudioDep,
    naming: Naming,
    reviewer: Annotated[str, Query(min_length=1, max_length=40)],
    after: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    """Return the draft that a reviewer should see next; `after` passes over a line for now."""
    name = reviews.reviewer_name(naming(reviewer))
    return await studio.store.aread(lambda s: _state(studio, s, batch, name, after=after))


@router.post("/api/reviews/{batch}", tags=["Fencun"], summary="审一条")
async def decide(
    batch: Id, body: OpinionRequest, studio: StudioDep, naming: Naming
) -> dict[str, Any]:
    """Keep an opinion on a draft (accept, edit, reject with a reason); return the next draft."""
    name = reviews.reviewer_name(naming(body.reviewer))

    def work(session: Session) -> dict[str, Any]:
        reviews.decide(
            session, body.draft, name, identity=body.id, decision=body.decision,
            text=body.text, reason=body.reason,
        )  # fmt: skip
        return _state(studio, session, batch, name)

    return await studio.store.awrite(work)


@router.post("/api/reviews/{batch}/undo", tags=["Fencun"], summary="撤销")
async def undo(
    batch: Id, body: OpinionBackRequest, studio: StudioDep, naming: Naming
) -> dict[str, Any]:
    """Take one's own opinion on a draft back; return that draft, to be judged anew."""
    name = reviews.reviewer_name(naming(body.reviewer))

    def work(session: Session) -> dict[str, Any]:
        draft = reviews.take_back(session, body.draft, name)
        return _state(studio, session, batch, name, shown=draft)

    return await studio.store.awrite(work)


@router.post("/api/reviews/{batch}/back", tags=["Fencun"], summary="请回来")
async def back(
    batch: Id, body: OpinionBackRequest, studio: StudioDep, naming: Naming
) -> dict[str, Any]:
    """Put a draft that the gates set aside, or two people rejected, back into the queue."""
    name = reviews.reviewer_name(naming(body.reviewer))

    def work(session: Session) -> dict[str, Any]:
        reviews.bring_back(session, body.draft, name)
        return _state(studio, session, batch, name)

    return await studio.store.awrite(work)


def _state(
    studio: Studio,
    session: Session,
    batch: str,
    name: str,
    *,
    after: int = 0,
    shown: DraftRow | None = None,
) -> dict[str, Any]:
    summary = reviews.summary(session, reviews.find_batch(session, batch))
    draft, left = reviews.next_draft(session, batch, name, after=after)
    last = reviews.last_said(session, batch, name)
    return state_shape(
        session, studio.scenario, studio.writer.gates, summary, shown or draft, name, left, last
    )
