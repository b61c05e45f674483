"""场景: what a scenario declares, as people read it; what a model is told; a text and the gates.

And the scenario as a file, to take away, to mend, to bring back: the last by the host only.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import File, Request, UploadFile
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from fencun.author.check import Hint, look_over
from fencun.author.pack import MAX_BYTES, pack, unpack
from fencun.brief import SAY_IT, parse_brief
from fencun.errors import BriefError, FencunError, ScenarioError
from fencun.models.engine import Message
from fencun.prompt import ADAPTED, Arm, instructions
from fencun.scenario import Scenario
from fencun.web.access import router_for
from fencun.web.pages import Page, render
from fencun.web.prefix import prefix_of
from fencun.web.shapes import check_shape
from fencun.web.studio import Studio, StudioDep
from fencun.web.write import form_field

PAGE = Page("/scenario", "场景", "Scenario", "write")
router = router_for("write", noted=False, include_in_schema=False)
reading = router_for("review", include_in_schema=False)
hosting = router_for("host", include_in_schema=False)
routers = (router, reading, hosting)
BODY_LIMITS = {"/scenario/upload": MAX_BYTES + (64 << 10)}

_TEXT_CHARS = 2000
_LABELS: dict[Arm, tuple[str, str]] = {
    "bare": ("只有需求", "the brief alone"),
    "prompt": ("写好的提示词", "the engineered prompt"),
    "tuned": ("给适配器", "for the adapter"),
    "edit": ("给适配器，附范例", "for the adapter, with examples"),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What a form came to: the chat of each arm, and what the gates say of the text, if any."""

    asked: dict[str, str]
    text: str
    chats: dict[Arm, list[Message]]
    found: dict[str, Any] | None = None
    error: FencunError | None = None

    @property
    def wrong(self) -> str:
        """The field at fault; empty for none."""
        return (self.error.field or "") if isinstance(self.error, BriefError) else ""


@router.get("/scenario")
async def page(request: Request, studio: StudioDep, check: bool = False) -> Response:
    """Show the scenario, tried on its own example; with ``check`` also what is wrong with it."""
    hints = await asyncio.to_thread(look_over, studio.scenario) if check else None
    return _show(request, studio, await _tried(studio, studio.scenario.whole_example, ""), hints)


@router.post("/scenario")
async def form(request: Request, studio: StudioDep) -> Response:
    """Show the scenario, tried on what was typed."""
    return _show(request, studio, await _posted(studio, await request.form()))


@router.post("/scenario/tried")
async def tried(request: Request, studio: StudioDep) -> Response:
    """Return that part of the page which what was typed changes."""
    came = await _posted(studio, await request.form())
    return render(request, "scenario_tried.html", tried=came, labels=_LABELS)


@reading.get("/scenario/download")
async def download(studio: StudioDep) -> Response:
    """Return the texts of the scenario as a ZIP file."""
    packed = await asyncio.to_thread(pack, studio.scenario)
    name = f'attachment; filename="{studio.scenario.name}.zip"'
    return Response(packed, media_type="application/zip", headers={"Content-Disposition": name})


@hosting.post("/scenario/upload")
async def upload(
    request: Request,
    studio: StudioDep,
    file: Annotated[UploadFile, File()],
    replace: bool = False,
) -> Response:
    """Take a scenario from a ZIP file, and go there."""
    data = await file.read()
    replace = replace or (await request.form()).get("replace") == "1"
    try:
        came = await asyncio.to_thread(unpack, data, at=studio.scenario, replace=replace)
    except FencunError as error:
        tried = await _tried(studio, studio.scenario.whole_example, "")
        return _show(request, studio, tried, error=error)
    folder = came.scenario.folder
    at = "" if folder == studio.scenario.folder else prefix_of(folder.name)  # "": where one is
    return RedirectResponse(f"{at}/scenario?check=1&left={len(came.left_out)}#check", 303)


async def _posted(studio: Studio, form: FormData) -> Tried:
    fields = [*(dimension.name for dimension in studio.scenario.dimensions), SAY_IT]
    typed = {name: value for name, value in form.items() if isinstance(value, str)}
    asked = {name: typed[name] for name in fields if typed.get(name)}
    return await _tried(studio, asked, typed.get("text", "")[:_TEXT_CHARS])


async def _tried(studio: Studio, asked: dict[str, str], text: str) -> Tried:
    """Return what a model would be told, and what the gates say, without asking any model."""
    return await asyncio.to_thread(_tried_now, studio, asked, text)


def _tried_now(studio: Studio, asked: dict[str, str], text: str) -> Tried:
    writer = studio.writer
    try:
        brief = parse_brief(studio.scenario, asked)
        chats = {arm: writer.prompts(brief, arm, 1)[0].chat for arm in studio.arms}
    except FencunError as error:
        return Tried(asked, text, {}, error=error)
    found = check_shape(text, writer.gates.check(text, brief)) if text.strip() else None
    return Tried(asked, text, chats, found)


def _show(
    request: Request,
    studio: Studio,
    tried: Tried,
    hints: list[Hint] | None = None,
    *,
    error: FencunError | None = None,
) -> Response:
    scenario = studio.scenario
    return render(
        request,
        "scenario.html",
        status=error.status if error else 200,
        scenario=scenario,
        tried=tried,
        labels={arm: label for arm, label in _LABELS.items() if arm in studio.arms},
        adapted=ADAPTED,
        unadapted=studio.unadapted,
        fields=[form_field(dimension, scenario.example) for dimension in scenario.dimensions],
        told=_instructions(scenario),
        rules=_rules(scenario),
        split=_split,
        hints=hints,
        left=request.query_params.get("left", "0"),
        error=error,
        megabytes=MAX_BYTES >> 20,
        most=_TEXT_CHARS,
    )


def _instructions(scenario: Scenario) -> str:
    try:
        return instructions(scenario)
    except ScenarioError as error:
        return str(error)


def _split(words: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return those that are plain words, and those that only a reader of patterns reads."""
    plain = [word for word in words if word == re.escape(word)]
    return plain, [word for word in words if word != re.escape(word)]


def _rules(scenario: Scenario) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the lists of words that the gates refuse or doubt, as far as there are any."""
    rules = scenario.rules
    lists = [
        ("套话", "Clichés", rules.cliches),
        ("套话开场", "Stock openings", rules.openings),
        ("套话结尾", "Stock endings", rules.endings),
        ("不像当面说的（只提醒）", "Stiff (a doubt)", rules.stiff),
        ("骂人的话", "Insults", rules.insults),
        ("求人、推销", "Asking and selling", rules.favours),
        ("空词，几个凑在一起才算", "Empty words, when several meet", rules.flat),
        ("四字词，连着用才算", "Set phrases, in rows", rules.idioms),
        ("不能自己提起的大事", "Grave things not to bring up", rules.matters),
        ("没说过就算编的地名", "Places, made up unless told", rules.places),
    ]
    return [(zh, en, words) for zh, en, words in lists if words]
