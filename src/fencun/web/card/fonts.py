"""The fonts of a card: Noto Serif SC and Noto Sans SC from the wheel ``pylopdf-fonts-zh-cn``."""

import unicodedata
from functools import cache, lru_cache

from PIL import ImageFont
from pylopdf_fonts_zh_cn import sans_path, serif_path

Font = ImageFont.FreeTypeFont
_NO_GLYPH = "\uffff"


@cache
def serif(size: int) -> Font:
    """Return the serif at ``size`` pixels an em."""
    return _load(str(serif_path()), size)


@cache
def sans(size: int) -> Font:
    """Return the sans serif at ``size`` pixels an em."""
    return _load(str(sans_path()), size)


def _load(path: str, size: int) -> Font:
    # The basic layout puts one glyph after the other, which is all that Chinese needs.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=8192)
def drawable(char: str) -> bool:
    """Whether the font has a glyph for ``char``: emoji, for one, it has not."""
    font = serif(32)
    return char.isspace() or bytes(font.getmask(char)) != bytes(font.getmask(_NO_GLYPH))


def printable(text: str) -> str:
    """Return ``text`` without what the font cannot draw, and with its white space tidied."""
    lines = ("".join(filter(drawable, line)).split() for line in text.splitlines())
    return "\n".join(" ".join(line) for line in lines if line)


def undrawable(text: str) -> str:
    """Return the letters and figures of ``text`` that the font cannot draw, each once.

    An emoji may be left out of a card; a character of a name may not.
    """
    letters = dict.fromkeys(char for char in text if unicodedata.category(char)[0] in "LN")
    return "".join(char for char in letters if not drawable(char))
