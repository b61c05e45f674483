"""Numbers as people write them: Arabic and Chinese figures, capitals and contractions too."""

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_DIGITS |= {char: value for value, char in enumerate("壹贰叁肆伍陆柒捌玖", start=1)}
_UNITS = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_TENS = {"廿": "二十", "卅": "三十"}

FIGURES = f"{''.join(_DIGITS)}{''.join(_UNITS)}{''.join(_TENS)}万"
"""Every character that a number in Chinese figures is written with."""


def read_number(text: str) -> int:
    """Read a whole number in Arabic or Chinese figures: ``80``, ``八十``, ``两百五``, ``三万``."""
    if text.isdecimal():
        return int(text)
    total = section = digit = 0
    for char in "".join(_TENS.get(char, char) for char in text):
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        else:
            section += (digit or 1) * _UNITS[char]
            digit = 0
    tail_of_hundreds = len(text) > 2 and text[-2] == "百" and text[-1] in _DIGITS
    return total + section + digit * (10 if tail_of_hundreds else 1)
