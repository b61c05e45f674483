"""Greeting cards: every design draws real ink in a real font, whatever the text."""

import io
from collections.abc import Iterator

import pytest
import web_app
from fastapi.testclient import TestClient
from PIL import Image, ImageChops

from fencun.scenario import Scenario
from fencun.web.card import fonts
from fencun.web.card.design import DESIGNS, HEIGHT, WIDTH, background
from fencun.web.card.paint import Card, Setting, paint, split_salutation
from fencun.web.errors import InvalidError

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


def test_the_same_card_is_the_same_bytes_and_another_text_is_not(client: TestClient) -> None:
    one = client.post("/api/cards", json={"text": TEXT})
    assert one.headers["content-type"] == "image/png"
    assert one.content == client.post("/api/cards", json={"text": TEXT}).content
    assert one.content != client.post("/api/cards", json={"text": TEXT[:-3]}).content
    assert len(one.content) < 400_000


def test_the_salutation_opens_its_own_line_only_where_the_text_begins_so() -> None:
    assert split_salutation("王老师，过年好", "王老师") == ("王老师：", "过年好")
    assert split_salutation("王老师过年好", "王老师") == ("", "王老师过年好")
    assert split_salutation("过年好", "王老师") == ("", "过年好")
    assert split_salutation("过年好", "") == ("", "过年好")


def test_a_font_that_lacks_a_glyph_leaves_it_out() -> None:
    assert fonts.printable("过年好🎉！❤️👨‍👩‍👧 🧧") == "过年好！"
    assert fonts.printable("一\n\n 二\t三") == "一\n二 三"
    assert all(fonts.drawable(char) for char in "福祝您年，。“”﹃︐Aé1")
    assert not any(fonts.drawable(char) for char in "🎉🧧\u200d\ufe0f")
    plain, party = (paint(Card(text, DESIGNS[0])) for text in ("过年好！", "过年好🎉！"))
    assert plain == party


def test_short_and_long_texts_both_fit() -> None:
    short = ink(picture(paint(Card("过年好。", DESIGNS[1]))), "ink")
    long = ink(picture(paint(Card("新年里多歇歇，" * 25, DESIGNS[1]))), "ink")
    assert (long[2] - long[0]) > 3 * (short[2] - short[0])


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"text": "年" * 1900}, "text"), ({"text": "🎉🎉"}, "text"), ({"text": ""}, "text"),
        ({"text": "年" * 2001}, "text"), ({"design": "../../etc/passwd"}, "design"),
        ({"setting": "diagonal"}, "setting"), ({"signature": "名" * 41}, "signature"),
        ({"text": 5}, "text"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_told(
    client: TestClient, more: dict[str, object], field: str
) -> None:
    refused = client.post("/api/cards", json={"text": TEXT, **more})
    assert refused.status_code == 422
    assert refused.json()["error"]["field"] == field


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x01过年好",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "ﷺ" * 30,
        "𠮷野家",
        "a" * 300,
        "\u202e过年好",
    ],
)
def test_odd_characters_draw_or_are_told_but_never_break(client: TestClient, text: str) -> None:
    assert client.post("/api/cards", json={"text": text}).status_code in (200, 422)


def test_a_form_makes_a_card_without_javascript(client: TestClient) -> None:
    made = client.post("/card", data={"text": TEXT, "design": "plum", "salutation": "王老师"})
    assert made.status_code == 200
    assert picture(made.content).size == (WIDTH, HEIGHT)
    assert client.post("/card", data={}).status_code == 422
    assert client.post("/card", data={"text": TEXT, "design": "none"}).status_code == 422


def test_a_text_too_long_for_any_size_is_refused() -> None:
    with pytest.raises(InvalidError, match="太长"):
        paint(Card("长" * 1500, DESIGNS[0]))
