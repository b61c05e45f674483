"""Greeting cards: the designs there are, and a text drawn on one as a PNG."""

import asyncio
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Request, Response
from pydantic import Field, StringConstraints

from fencun.extras import need
from fencun.language import say
from fencun.web.access import router_for
from fencun.web.card import designs
from fencun.web.errors import InvalidError
from fencun.web.shapes import ErrorShape, RequestShape

router = router_for("write", noted=False)

Short = Annotated[str, StringConstraints(max_length=40)]


class CardRequest(RequestShape):
    """What is on the card. ``salutation`` gets a line of its own if the text begins with it."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    design: Annotated[str, StringConstraints(max_length=24)] = Field("papercut")
    setting: Literal["vertical", "horizontal"] = "vertical"
    salutation: Short = ""
    signature: Short = ""


@router.get("/api/cards", tags=["Fencun"], summary="贺卡样式")
async def list_designs() -> dict[str, list[dict[str, str]]]:
    """List the designs."""
    return {"designs": [{"name": d.name, "zh": d.zh, "en": d.en} for d in designs()]}


@router.post(
    "/api/cards",
    tags=["Fencun"],
    summary="做一张贺卡",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}}, "description": "1080 × 1620 pixels"},
        422: {"model": ErrorShape, "description": "No such design, or a character cannot be drawn"},
    },
)
async def card(body: CardRequest) -> Response:
    """Return the card as a PNG. Emoji are left out; a letter that the font lacks is refused."""
    return await _drawn(body)


@router.post("/card", include_in_schema=False)
async def form(request: Request) -> Response:
    """Return the card for a plain form, where there is no JavaScript."""
    posted = await request.form()
    fields = {name: value for name, value in posted.items() if isinstance(value, str)}
    return await _drawn(
        CardRequest(
            text=fields.get("text", "")[:2000] or " ",
            design=fields.get("design", "papercut")[:24],
            setting="horizontal" if fields.get("setting") == "horizontal" else "vertical",
            salutation=fields.get("salutation", "")[:40],
            signature=fields.get("signature", "")[:40],
        )
    )


async def _drawn(body: CardRequest) -> Response:
    need("card")
    from fencun.web.card.design import find_design
    from fencun.web.card.fonts import undrawable
    from fencun.web.card.paint import Card, paint

    design = find_design(body.design)
    if design is None:
        known = "、".join(each.name for each in designs())
        raise InvalidError(
            f"没有这种样式；可选：{known}。", f"No such design; there are: {known}.", field="design"
        )
    if lost := undrawable(f"{body.text}{body.salutation}{body.signature}")[:20]:
        told = "”“".join(lost)
        raise InvalidError(
            f"贺卡的字体里没有“{told}”，画不出来；请换个写法再做。",
            f"The font of the cards has no {', '.join(lost)}; write it otherwise and try again.",
            field="text",
        )
    drawing = Card(body.text, design, body.setting, body.salutation, body.signature)
    png = await asyncio.to_thread(paint, drawing)
    name = quote(f"{say('贺卡', 'card')}-{say(design.zh, design.name)}.png")
    return Response(
        png,
        media_type="image/png",
        headers={"Content-Disposition": f"inline; filename=\"card.png\"; filename*=UTF-8''{name}"},
    )
