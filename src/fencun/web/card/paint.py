"""Set a text on a card and return the PNG."""

import io
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from PIL import Image, ImageDraw

from fencun.web.card import fonts, ornament, setting
from fencun.web.card.design import Design, background
from fencun.web.card.setting import Cell, TextLine
from fencun.web.errors import InvalidError

Setting = Literal["vertical", "horizontal"]

SIZES = tuple(range(66, 29, -2))
_LEADING = {"vertical": 1.62, "horizontal": 1.78}
_SEAL, _GAP = 1.35, 0.4  # the seal's side, and the space before it, in ems
_GREET = "，,：:！! "
_FACE = Lock()  # FreeType faces are not safe to share between threads


@dataclass(frozen=True, slots=True)
class Card:
    """What is on a card. ``salutation`` opens a line of its own where the text begins with it."""

    text: str
    design: Design
    setting: Setting = "vertical"
    salutation: str = ""
    signature: str = ""


def paint(card: Card) -> bytes:
    """Return the card as a PNG of 1080 by 1620 pixels.

    Raises:
        InvalidError: nothing is left that can be drawn, or the text is too long for a card.
    """
    with _FACE:
        size, lines = _fit(card)
        picture = background(card.design.name).copy()
        draw = ImageDraw.Draw(picture)
        if card.setting == "vertical":
            _columns(picture, draw, card, size, lines)
        else:
            _rows(picture, draw, card, size, lines)
    out = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(out, "PNG", optimize=True)
    return out.getvalue()


def _fit(card: Card) -> tuple[int, list[TextLine]]:
    """Return the largest type in which the text fits, and its lines."""
    along, across = _room(card)
    for size in SIZES:
        lines = _lines(card, size, along / size)
        if len(lines) * size * _LEADING[card.setting] <= across:
            return size, lines
    raise InvalidError(
        "这段话太长，一张贺卡放不下，请删短一些。",
        "The text is too long for a card; please shorten it.",
        field="text",
    )


def _room(card: Card) -> tuple[int, int]:
    """Return the length of a line and the space for all lines side by side, in pixels."""
    left, top, right, bottom = card.design.area
    frame = card.design.frame or card.design.area
    if card.setting == "vertical":
        return bottom - top, frame[2] - frame[0]
    return right - left, frame[3] - frame[1]


def _lines(card: Card, size: int, length: float) -> list[TextLine]:
    cut = setting.upright_cells if card.setting == "vertical" else setting.cells

    def cells(text: str) -> list[Cell]:
        return cut(text, lambda word: fonts.serif(size).getlength(word) / size)

    greeting, body = split_salutation(fonts.printable(card.text), fonts.printable(card.salutation))
    if not (greeting or body):
        raise InvalidError("没有可以写上去的字。", "There is nothing to draw.", field="text")
    lines = [TextLine(tuple(cells(greeting)))] if greeting else []
    for paragraph in body.splitlines():
        lines += setting.break_lines(cells(paragraph), length, 2.0 if greeting else 0.0)
    if signature := fonts.printable(card.signature):
        lines.append(TextLine(tuple(cells(signature)), end=True))
    else:
        lines.append(TextLine((), end=True))
    return lines


def split_salutation(text: str, salutation: str) -> tuple[str, str]:
    """Return the greeting line and the rest; no greeting where the text does not begin so."""
    rest = text.removeprefix(salutation)
    if not salutation or rest == text or not rest or rest[0] not in _GREET:
        return "", text
    return f"{salutation}：", rest.lstrip(_GREET)


def _columns(
    picture: Image.Image, draw: ImageDraw.ImageDraw, card: Card, size: int, lines: list[TextLine]
) -> None:
    left, top, right, bottom = card.design.area
    step = size * _LEADING["vertical"]
    edge = right - ((right - left) - len(lines) * step) / 2
    if card.design.frame and card.design.rules:
        edge, step = card.design.frame[2], _rule(draw, card, step)
    for number, line in enumerate(lines):
        x = edge - step * (number + 0.5)
        y = bottom - _reach(line, size) if line.end else top + line.indent * size
        for cell in line.cells:
            _upright(picture, draw, card.design.ink, cell, size, x, y)
            y += cell.width * size
        if line.end:
            _stamp(picture, card.design, size, (x, y + size * (_GAP + _SEAL / 2)))


def _upright(
    picture: Image.Image, draw: ImageDraw.ImageDraw, ink: str, cell: Cell, size: int,
    x: float, y: float,
) -> None:  # fmt: skip
    """Draw one cell of a column whose middle is ``x``, from ``y`` downwards."""
    font = fonts.serif(size)
    if cell.text.isascii() and cell.text.strip():
        if cell.width > 1.0 or len(cell.text) > 2:
            _turned(picture, ink, cell.text, size, x, y)
        else:
            draw.text(
                (x, y + size / 2), cell.text, ink, fonts.serif(round(size * 0.92)), anchor="mm"
            )
        return
    ascent, descent = font.getmetrics()
    lift = (ascent + descent - size) / 2  # the em box of the font is taller than an em
    for offset, char in enumerate(cell.text):
        draw.text((x - size / 2, y + offset * size - lift), char, ink, font, anchor="la")


def _turned(picture: Image.Image, ink: str, text: str, size: int, x: float, y: float) -> None:
    """Draw a Latin word on its side, as it is read with the head to the right."""
    font = fonts.serif(size)
    ascent, descent = font.getmetrics()
    mask = Image.new("L", (round(font.getlength(text)) + 2, ascent + descent), 0)
    ImageDraw.Draw(mask).text((0, 0), text, 255, font)
    mask = mask.transpose(Image.Transpose.ROTATE_270)
    picture.paste(Image.new("RGB", mask.size, ink), (round(x - mask.width / 2), round(y)), mask)


def _rows(
    picture: Image.Image, draw: ImageDraw.ImageDraw, card: Card, size: int, lines: list[TextLine]
) -> None:
    left, top, right, bottom = card.design.area
    step = size * _LEADING["horizontal"]
    y = top + ((bottom - top) - len(lines) * step) / 2
    if card.design.frame and card.design.rules:
        y, step = card.design.frame[1], _rule(draw, card, step)
    font = fonts.serif(size)
    for line in lines:
        x = right - _reach(line, size) if line.end else left + line.indent * size
        for cell in line.cells:
            draw.text((x, y + step / 2), cell.text, card.design.ink, font, anchor="lm")
            x += cell.width * size
        if line.end:
            _stamp(picture, card.design, size, (x + size * (_GAP + _SEAL / 2), y + step / 2))
        y += step


def _reach(line: TextLine, size: int) -> float:
    """Return the length of the last line, seal included, in pixels."""
    return size * (line.width + _GAP + _SEAL)


def _stamp(picture: Image.Image, design: Design, size: int, at: tuple[float, float]) -> None:
    """Press the seal, its middle at ``at``."""
    mask = ornament.seal(round(size * _SEAL))
    corner = (round(at[0] - mask.width / 2), round(at[1] - mask.height / 2))
    picture.paste(Image.new("RGB", mask.size, design.seal), corner, mask)


def _rule(draw: ImageDraw.ImageDraw, card: Card, step: float) -> float:
    """Fill the frame with lines at least ``step`` apart, evenly; return how far apart."""
    assert card.design.frame is not None
    left, top, right, bottom = card.design.frame
    length = right - left if card.setting == "vertical" else bottom - top
    count = int(length / step)
    for number in range(1, count):
        at = length * number / count
        ends = (
            ((right - at, top), (right - at, bottom))
            if card.setting == "vertical"
            else ((left, top + at), (right, top + at))
        )
        draw.line(ends, card.design.rules, 2)
    return length / count
