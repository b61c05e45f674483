"""Greeting cards: every design draws real ink in a real font, whatever the text."""

import io
from collections.abc import Iterator

import pytest
import web_app
from fastapi.testclient import TestClient
from PIL import Image

from fencun.scenario import Scenario
from fencun.web.card.design import HEIGHT, WIDTH

TEXT = web_app.GOOD


@pytest.fixture(scope="module")
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        yield client


def picture(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image.convert("RGB")


def test_the_same_card_is_the_same_bytes_and_another_text_is_not(client: TestClient) -> None:
    one = client.post("/api/cards", json={"text": TEXT})
    assert one.headers["content-type"] == "image/png"
    assert one.content == client.post("/api/cards", json={"text": TEXT}).content
    assert one.content != client.post("/api/cards", json={"text": TEXT[:-3]}).content
    assert len(one.content) < 400_000


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


def test_a_name_that_cannot_be_drawn_is_said_and_not_left_out(client: TestClient) -> None:
    body = {"text": "𠮷老师，给您拜年了，少站风口。", "salutation": "𠮷老师", "design": "plum"}
    answer = client.post("/api/cards", json=body)
    assert answer.status_code == 422
    assert "没有“𠮷”" in answer.json()["error"]["message"]
    drawn = client.post("/api/cards", json={**body, "text": "囍，给您拜年了🎉。", "salutation": ""})
    assert drawn.status_code == 200
