"""The designs of a card: text stays inside, and no two are alike."""

import io
from collections.abc import Iterator

import pytest
import web_app
from fastapi.testclient import TestClient
from PIL import Image, ImageChops

from fencun.scenario import Scenario
from fencun.web.card.design import DESIGNS, HEIGHT, WIDTH, background
from fencun.web.card.paint import Card, Setting, paint

TEXT = web_app.GOOD


@pytest.fixture(scope="module")
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        yield client


def picture(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image.convert("RGB")


def ink(image: Image.Image, design: str) -> tuple[int, int, int, int]:
    """Return the box in which the card differs clearly from its background."""
    difference = ImageChops.difference(image, background(design)).convert("L")
    box = difference.point(lambda value: 255 if value > 90 else 0).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("setting", ["vertical", "horizontal"])
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_text_stands_inside_the_area_of_its_design(design: object, setting: Setting) -> None:
    from fencun.web.card.design import Design

    assert isinstance(design, Design)
    image = picture(paint(Card(TEXT, design, setting, "王老师", "小李")))
    assert image.size == (WIDTH, HEIGHT)
    left, top, right, bottom = ink(image, design.name)
    frame = design.frame or design.area
    margin = 70  # a mark that hangs, or the swash of a glyph
    assert left >= min(frame[0], design.area[0]) - margin
    assert top >= min(frame[1], design.area[1]) - margin
    assert right <= max(frame[2], design.area[2]) + margin
    assert bottom <= max(frame[3], design.area[3]) + margin
    assert (right - left) * (bottom - top) > 60_000


def test_designs_differ_and_are_at_least_four(client: TestClient) -> None:
    names = [design["name"] for design in client.get("/api/cards").json()["designs"]]
    assert len(names) == len(set(names)) >= 4
    cards = {
        client.post("/api/cards", json={"text": TEXT, "design": name}).content for name in names
    }
    assert len(cards) == len(names)
