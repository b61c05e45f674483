"""How characters are written: traditional read as simplified, full width as half, place by place.

Rules and gates are declared in simplified characters. Whoever writes 給您拜年 means the same,
so both are read through here; what is shown and kept stays as it was typed.
"""

import re
import unicodedata
from functools import cache

_DASHES = re.compile(r"[-\u2010-\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d~\u223c\u301c\u3030]+")
_HAN = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))


def simplified(text: str) -> str:
    """Return ``text`` with every traditional character read as simplified; offsets stay.

    One character at a time, by OpenCC's table, so that a place in the result is the same
    place in ``text``.
    """
    return text.translate(_table())


def plain(text: str) -> str:
    """Return ``text`` as rules read it: simplified, half width, one kind of dash, lower case."""
    return _DASHES.sub("-", simplified(unicodedata.normalize("NFKC", text))).lower()


@cache
def _table() -> dict[int, str]:
    from opencc import OpenCC

    characters = [chr(code) for low, high in _HAN for code in range(low, high)]
    read = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {
        ord(char): other
        for char, other in zip(characters, read, strict=True)
        if char != other and len(other) == 1
    }
