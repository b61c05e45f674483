"""The designs of a card: paper, ornament, the colour of the ink, and where the text may stand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from fencun.web.card import ornament

WIDTH, HEIGHT = 1080, 1620
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Design:
    """``area`` is where the text stands (left, top, right, bottom, in pixels of the card).

    ``seal`` is the colour of the seal beside the signature. ``rules`` is the colour of ruled
    lines, which fill ``frame`` evenly; text then stands between them.
    """

    name: str
    zh: str
    en: str
    ink: str
    seal: str
    area: Box
    draw: Callable[[], Image.Image]
    rules: str | None = None
    frame: Box | None = None


def _paper(colour: str, seed: int, shade: str = "#6b5b45") -> Image.Image:
    card = Image.new("RGB", (WIDTH, HEIGHT), colour)
    _pour(card, shade, ornament.fibres(WIDTH, HEIGHT, seed, 900), (0, 0))
    return card


def _pour(card: Image.Image, colour: str, mask: Image.Image, at: tuple[int, int]) -> None:
    card.paste(Image.new("RGB", mask.size, colour), at, mask)


def _papercut() -> Image.Image:
    card = Image.new("RGB", (WIDTH, HEIGHT), "#a8231f")
    gold = "#f3d9a4"
    _pour(card, gold, ornament.meander(WIDTH - 72, HEIGHT - 72, 48, 4), (36, 36))
    ImageDraw.Draw(card).rectangle((100, 100, WIDTH - 101, HEIGHT - 101), outline=gold, width=3)
    flower = ornament.rosette(380)
    _pour(card, gold, flower, ((WIDTH - 380) // 2, 150))
    _pour(card, "#a8231f", ornament.lozenge(150), ((WIDTH - 150) // 2, 265))
    return card


def _ink() -> Image.Image:
    card = _paper("#f5f0e4", 3)
    sun = Image.new("L", (520, 520), 0)
    ImageDraw.Draw(sun).ellipse((0, 0, 519, 519), 255)
    _pour(card, "#b8392f", sun.resize((130, 130), Image.Resampling.LANCZOS), (730, 1190))
    for seed, rough, colour, top in (
        (5, 0.10, "#c9c8c0", 1130),
        (11, 0.13, "#a3a49d", 1220),
        (23, 0.11, "#7b7d78", 1320),
    ):
        _pour(card, colour, ornament.hills(WIDTH, HEIGHT - top, seed, rough), (0, top))
    return card


def _letter() -> Image.Image:
    card = _paper("#fbf4e4", 7)
    draw = ImageDraw.Draw(card)
    red = "#c4675a"
    draw.rectangle((84, 84, WIDTH - 85, HEIGHT - 85), outline=red, width=5)
    draw.rectangle((98, 98, WIDTH - 99, HEIGHT - 99), outline=red, width=2)
    return card


def _plum() -> Image.Image:
    card = _paper("#f7f1e6", 9)
    wood, bloom = ornament.branch(WIDTH, 560, 12)
    _pour(card, "#4a3d35", wood, (0, 0))
    _pour(card, "#b93a3e", bloom, (0, 0))
    return card


def _night() -> Image.Image:
    card = Image.new("RGB", (WIDTH, HEIGHT), "#16243a")
    glow = Image.radial_gradient("L").point(lambda value: max(0, 170 - value))
    _pour(card, "#3d557c", glow.resize((1700, 1700)), (-560, -620))
    _pour(card, "#f2e3c2", ornament.stars(WIDTH, 1300, 17, 90), (0, 0))
    for left, wide in ((110, 170), (318, 112), (836, 138)):
        _pour(card, "#cf4632", ornament.lantern(wide, int(wide * 2.3)), (left, 0))
    for seed, colour, top in ((31, "#3a5071", 1250), (37, "#22344f", 1350), (41, "#0c1524", 1430)):
        _pour(card, colour, ornament.hills(WIDTH, HEIGHT - top, seed, 0.12), (0, top))
    return card


_UNDER_FLOWER: Box = (170, 590, 910, 1470)
_ABOVE_HILLS: Box = (170, 190, 910, 1090)
_IN_FRAME: Box = (160, 170, 920, 1450)
_UNDER_BRANCH: Box = (170, 600, 910, 1480)
_UNDER_LANTERNS: Box = (170, 430, 910, 1300)

DESIGNS: tuple[Design, ...] = (
    Design("papercut", "剪纸红", "Paper-cut", "#f9e6bd", "#f3d9a4", _UNDER_FLOWER, _papercut),
    Design("ink", "素墨", "Plain ink", "#2a2622", "#a8322a", _ABOVE_HILLS, _ink),
    Design(
        "letter", "朱丝笺", "Ruled letter", "#2f2620", "#b23a2e", _IN_FRAME, _letter,
        rules="#dfa79b", frame=(101, 101, WIDTH - 101, HEIGHT - 101),
    ),
    Design("plum", "寒梅", "Plum blossom", "#33291f", "#a8322a", _UNDER_BRANCH, _plum),
    Design("night", "除夜", "New Year's Eve", "#f2e3c2", "#d9a441", _UNDER_LANTERNS, _night),
)  # fmt: skip


def find_design(name: str) -> Design | None:
    """Return the design of that name."""
    return next((design for design in DESIGNS if design.name == name), None)


@lru_cache(maxsize=len(DESIGNS))
def background(name: str) -> Image.Image:
    """Return the card of a design without text; the caller must not draw on it."""
    design = find_design(name)
    assert design is not None
    return design.draw()
