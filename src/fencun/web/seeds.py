"""The page 种子: write and mend seeds, with the gates, the map and what others wrote beside it.

The scenario's file is never changed: what is saved lies over it in the store. What is typed is
kept as a sketch with every pause, so that neither a page nor a server that dies loses it.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, RedirectResponse, Response

from fencun.errors import BriefError, FencunError
from fencun.files import Json
from fencun.language import say
from fencun.names import tidy_name
from fencun.store import seeds
from fencun.store.schema import SeedVersionRow
from fencun.store.seeds import SeedEntry
from fencun.store.writings import new_id
from fencun.web import seed_view
from fencun.web.access import router_for
from fencun.web.caller import Naming, Visitor
from fencun.web.coverage import drawn, seeds_link, to_seeds
from fencun.web.download import jsonl
from fencun.web.pages import Page, render
from fencun.web.person import Person, remember
from fencun.web.shapes import Id, RequestShape
from fencun.web.strict import small_number
from fencun.web.studio import Studio, StudioDep

PAGE = Page("/seeds", "种子", "Seeds", "review")
router = router_for("review")
typing = router_for("review", noted=False)
routers = (router, typing)

NEW = "new"  # a seed that the server is to name
_THINNEST = 5
_SKETCH = re.compile(r"[0-9a-f]{32}")
SeedId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Fields = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=40)],
        Annotated[str, StringConstraints(max_length=4000)],
    ],
    Field(max_length=40),
]


class SketchRequest(RequestShape):
    """What is being typed. ``turn`` grows with every change; ``seed`` is the one being mended."""

    fields: Fields
    seed: str = Field("", max_length=64)
    turn: int = Field(ge=0, lt=2**53)


class SeedRequest(RequestShape):
    """A seed to be kept. ``id`` is made by the client (that of its sketch): sent twice, kept once.

    ``base`` is the version that was opened; 0 for a new seed, and for one as it is shipped.
    """

    id: Id
    fields: Fields
    base: int = Field(0, ge=0)
    author: str = Field("", max_length=40)


class ChangeRequest(RequestShape):
    """Delete, or undo the last change. ``id`` is made by the client: sent twice, done once."""

    id: Id
    author: str = Field("", max_length=40)


@router.get("/seeds", include_in_schema=False)
async def page(request: Request, studio: StudioDep, owner: Visitor, name: Person) -> Response:
    """Show the editor, the map and the list; every filter is in the address."""
    return await _show(request, studio, owner, name)


@router.post("/seeds", include_in_schema=False)
async def submit(
    request: Request, studio: StudioDep, owner: Visitor, name: Person, naming: Naming
) -> Response:
    """Save the posted form, without JavaScript."""
    form = {key: told for key, told in (await request.form()).items() if isinstance(told, str)}
    sketch = form.pop("sketch", "")
    sketch = sketch if _SKETCH.fullmatch(sketch) else new_id()
    identity, base = form.pop("seed", ""), form.pop("base", "")
    author = naming(tidy_name(form.pop("author", "")))
    version = small_number(base, 0)
    try:
        row = await _saved(studio, identity or _name(sketch), form, sketch, version, author, owner)
    except FencunError as error:
        return await _show(request, studio, owner, name, typed=form, error=error, seed=identity)
    response = RedirectResponse(f"/seeds?saved={row.seed}", 303)
    remember(response, author)
    return response


@router.post("/seeds/{act}", include_in_schema=False)
async def change(
    request: Request, studio: StudioDep, act: Literal["delete", "undo"], name: Person
) -> Response:
    """Delete a seed (``seed``), or undo its last change, without JavaScript."""
    seed = str((await request.form()).get("seed", ""))[:64]
    await _changed(studio, seed, new_id(), name, delete=act == "delete")
    told = "deleted" if act == "delete" else "undone"
    return RedirectResponse(f"/seeds?{told}={seed}", 303)


@router.get("/seeds/seeds.jsonl", include_in_schema=False)
async def export(studio: StudioDep, own: bool = False) -> Response:
    """Download the seeds that stand (``own``: those written or mended here) as ``seeds.jsonl``."""
    entries = await studio.store.aread(lambda s: seeds.collection(s, studio.scenario))
    rows = [e.line.record.to_row() for e in reversed(entries) if e.version or not own]
    return jsonl("seeds.jsonl", rows)


@router.get("/seeds/lineage.jsonl", include_in_schema=False)
async def lineage(studio: StudioDep) -> Response:
    """Download every version of every seed that was changed here: who, when, instead of what."""
    rows = await studio.store.aread(lambda s: seeds.versions(s, studio.scenario))
    return jsonl("lineage.jsonl", [_version(row) for row in rows])


@router.get("/api/seeds", tags=["Fencun"], summary="种子")
async def list_seeds(studio: StudioDep, q: str = "", own: bool = False) -> dict[str, Any]:
    """Return the seeds that stand, newest first; ``q`` must stand in them."""
    wanted = seed_view.Wanted(q[:80], {}, own)
    entries = await studio.store.aread(lambda s: seeds.collection(s, studio.scenario))
    return {"seeds": [_row(entry) for entry in entries if wanted.fits(entry)]}


@router.put("/api/seeds/{seed}", tags=["Fencun"], summary="存一条种子")
async def save(
    seed: SeedId, body: SeedRequest, studio: StudioDep, owner: Visitor, naming: Naming
) -> Response:
    """Keep a seed as its next version; one of the scenario's is laid over, never overwritten.

    A `seed` called `new` is named after its sketch (`id`): sent twice, it is one seed.
    """
    author = naming(tidy_name(body.author))
    seed = _name(body.id) if seed == NEW else seed
    row = await _saved(studio, seed, body.fields, body.id, body.base, author, owner)
    response = JSONResponse({"seed": row.seed, "version": row.number})
    remember(response, author)
    return response


@router.delete("/api/seeds/{seed}", tags=["Fencun"], summary="删一条种子")
async def delete(seed: SeedId, studio: StudioDep, name: Person) -> dict[str, Any]:
    """Delete a seed; its versions stay, and the deletion can be undone."""
    row = await _changed(studio, seed, new_id(), name, delete=True)
    return {"seed": seed, "version": row.number}


@router.post("/api/seeds/{seed}/undo", tags=["Fencun"], summary="撤销")
async def undo(
    seed: SeedId, body: ChangeRequest, studio: StudioDep, naming: Naming
) -> dict[str, Any]:
    """Undo the last change of a seed, as a version of its own."""
    row = await _changed(studio, seed, body.id, naming(tidy_name(body.author)), delete=False)
    return {"seed": seed, "version": row.number, "deleted": row.record is None}


@typing.put("/api/sketches/{sketch}", tags=["Fencun"], summary="边写边存")
async def keep(
    sketch: Id, body: SketchRequest, studio: StudioDep, owner: Visitor
) -> dict[str, Any]:
    """Keep what is being typed, and return what the gates say of it so far."""
    scenario = studio.scenario
    kept = await studio.store.awrite(
        lambda session: seeds.keep_sketch(
            session, scenario, identity=sketch, owner=owner, seed=body.seed,
            fields=body.fields, turn=body.turn,
        )
    )  # fmt: skip
    entries = await studio.store.aread(lambda s: seeds.collection(s, scenario))
    look = await asyncio.to_thread(
        seed_view.look, scenario, studio.writer.gates, entries, body.fields, body.seed
    )
    return {"kept": kept, **look}


@typing.delete("/api/sketches/{sketch}", tags=["Fencun"], summary="扔掉草稿")
async def drop(sketch: Id, studio: StudioDep, owner: Visitor) -> dict[str, bool]:
    """Forget what was typed and not saved."""
    await studio.store.awrite(lambda session: seeds.drop_sketch(session, sketch, owner))
    return {"dropped": True}


async def _saved(
    studio: Studio,
    seed: str,
    fields: Mapping[str, str],
    sketch: str,
    base: int,
    author: str,
    owner: str,
) -> SeedVersionRow:
    record = seeds.read_fields(studio.scenario, seed, fields)

    def work(session: Session) -> SeedVersionRow:
        row = seeds.save(
            session, studio.scenario, record, identity=sketch, base=base, author=author
        )
        seeds.drop_sketch(session, sketch, owner)
        return row

    return await studio.store.awrite(work)


async def _changed(
    studio: Studio, seed: str, identity: str, author: str, *, delete: bool
) -> SeedVersionRow:
    act = seeds.remove if delete else seeds.undo
    return await studio.store.awrite(
        lambda session: act(session, studio.scenario, seed, identity=identity, author=author)
    )


def _name(sketch: str) -> str:
    """Return the id of the seed that grows from a sketch: always the same one."""
    return f"w{sketch[:12]}"


async def _show(
    request: Request,
    studio: Studio,
    owner: str,
    name: str,
    *,
    typed: Mapping[str, str] | None = None,
    seed: str = "",
    error: FencunError | None = None,
) -> Response:
    asked = dict(request.query_params)
    if typed is not None:
        asked["edit"] = seed

    def work(session: Session) -> dict[str, Any]:
        view = seed_view.view(session, studio.scenario, studio.writer.gates, asked, owner)
        return {**view, "map": drawn(session, studio.scenario, "seeds", None, None)}

    values = await studio.store.aread(work)
    if typed is not None:
        values["form"] = seed_view.filled(values["form"], typed)
    return render(
        request,
        "seeds.html",
        status=error.status if error else 200,
        error=error,
        wrong=error.field if isinstance(error, BriefError) else None,
        author=name,
        thinnest=[(h, seeds_link(h)) for h in values["map"].gaps[:_THINNEST]],
        svg=values["map"].svg(say("种子", "Seeds"), to_seeds(values["map"])),
        asked=asked,
        **values,
    )


def _version(row: SeedVersionRow) -> Json:
    return {
        "seed": row.seed,
        "version": row.number,
        "record": row.record,
        "replaces": row.replaces,
        "author": row.author,
        "at": row.at.isoformat(),
    }


def _row(entry: SeedEntry) -> Json:
    return {
        **entry.line.record.to_row(),
        "version": entry.version,
        "shipped": entry.shipped,
        "author": entry.author,
    }
