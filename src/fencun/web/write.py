"""The page on which one writes: some inputs, three texts. Works without JavaScript too."""

from contextlib import aclosing
from typing import Any

from fastapi import Request
from starlette.responses import Response

from fencun.brief import SAY_IT, Reading, caution, read_fields
from fencun.errors import BriefError, FencunError
from fencun.scenario import Dimension, Scenario
from fencun.store import writings
from fencun.web.access import Spends, router_for
from fencun.web.caller import Visitor
from fencun.web.disconnect import unless_gone
from fencun.web.pages import Page, render
from fencun.web.rewrite import changes
from fencun.web.shapes import kept_shape
from fencun.web.studio import KeptWriting, Order, Studio, StudioDep

PAGE = Page("/", "写{product}", "Write", "write")
router = router_for("write", include_in_schema=False)

_LONG = 30  # a text field that takes more characters than this gets several lines


@router.get("/")
async def page(request: Request, studio: StudioDep, owner: Visitor, again: str = "") -> Response:
    """Show the form, empty or (``again``: the id of a writing) filled in as it was then."""
    asked: dict[str, str] = {}
    if again and owner:
        row = await studio.store.aread(
            lambda session: writings.find_writing(session, again[:64], owner)
        )
        asked = row.asked if row and row.scenario == studio.scenario.name else {}
    return _show(request, studio, asked)


@router.post("/", dependencies=[Spends])
async def submit(request: Request, studio: StudioDep, owner: Visitor) -> Response:
    """Write for the posted form and show what came of it."""
    form = await request.form()
    names = [*(dimension.name for dimension in studio.scenario.dimensions), SAY_IT]
    asked = {name: value for name in names if isinstance(value := form.get(name), str)}
    try:
        order = studio.order(asked, source="page", owner=owner)
        kept = await unless_gone(request, _finished(studio, order))
    except FencunError as error:
        return _show(request, studio, asked, error=error)
    shape = kept_shape(kept) if kept else None
    return _show(request, studio, asked, writing=shape)


async def _finished(studio: Studio, order: Order) -> KeptWriting:
    async with aclosing(studio.write(order)) as events:
        async for event in events:
            if isinstance(event, KeptWriting):
                return event
    raise AssertionError("a stream of events ends with what was kept")


def _show(
    request: Request,
    studio: Studio,
    asked: dict[str, str],
    *,
    writing: dict[str, Any] | None = None,
    error: FencunError | None = None,
) -> Response:
    scenario, adapter = studio.scenario, studio.writer.adapter
    strengths = adapter.strengths if adapter else ""
    salutation, detail = scenario.role("salutation"), scenario.role("detail")
    return render(
        request,
        "write.html",
        status=error.status if error else 200,
        scenario=scenario,
        unadapted=studio.unadapted,
        beside=[d.role for d in scenario.dimensions[:3]] == ["salutation", "audience", "detail"],
        fields=[
            form_field(dimension, scenario.example, strengths) for dimension in scenario.dimensions
        ],
        understood=_understood(scenario, asked),
        caution=caution(scenario, asked.get(detail.name, "")) if detail else "",
        asked=asked,
        writing=writing,
        error=error,
        wrong=error.field if isinstance(error, BriefError) else None,
        settings={
            "changes": changes(scenario),
            "salutation": salutation.name if salutation else None,
            "example": scenario.example,
        },
    )


def _understood(scenario: Scenario, asked: dict[str, str]) -> dict[str, str]:
    """How fields were understood that hold other words than the scenario's own."""
    told = read_fields(scenario, asked)
    return {
        name: str(reading)
        for name, reading in told.items()
        if isinstance(reading, Reading) and reading.value != reading.typed
    }


def form_field(
    dimension: Dimension, example: dict[str, str], strengths: str = ""
) -> dict[str, Any]:
    """Return what the template needs to draw one input; length says what the model is good at."""
    about = strengths if dimension.role == "length" else ""
    return {
        "name": dimension.name,
        "label": dimension.label,
        "en": dimension.en,
        "hint": dimension.hint + about,
        "hint_en": " ".join(filter(None, (dimension.hint_en, about))),
        "role": dimension.role or dimension.kind,
        "long": dimension.kind == "text" and dimension.max_chars > _LONG,
        "limit": dimension.max_chars,
        "required": dimension.required and dimension.default is None,
        "default": dimension.default or "",
        "example": example.get(dimension.name, ""),
        "choices": dimension.choices,
    }
