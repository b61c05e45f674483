"""A text drawn on a card: whole, in type that has the characters, or told why not."""

import io

import pytest
from PIL import Image, ImageChops

from fencun.web.card.design import DESIGNS, background
from fencun.web.card.paint import Card, paint, split_salutation
from fencun.web.errors import InvalidError


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


def test_the_salutation_opens_its_own_line_only_where_the_text_begins_so() -> None:
    assert split_salutation("王老师，过年好", "王老师") == ("王老师：", "过年好")
    assert split_salutation("王老师过年好", "王老师") == ("", "王老师过年好")
    assert split_salutation("过年好", "王老师") == ("", "过年好")
    assert split_salutation("过年好", "") == ("", "过年好")


def test_short_and_long_texts_both_fit() -> None:
    short = ink(picture(paint(Card("过年好。", DESIGNS[1]))), "ink")
    long = ink(picture(paint(Card("新年里多歇歇，" * 25, DESIGNS[1]))), "ink")
    assert (long[2] - long[0]) > 3 * (short[2] - short[0])


def test_a_text_too_long_for_any_size_is_refused() -> None:
    with pytest.raises(InvalidError, match="太长"):
        paint(Card("长" * 1500, DESIGNS[0]))
