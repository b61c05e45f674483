"""Numbers as people write them: Arabic and Chinese figures, capitals and contractions too."""

import re

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")}
_DIGITS |= {"两": 2, "〇": 0, "○": 0}
_DIGITS |= {char: value for value, char in enumerate("壹贰叁肆伍陆柒捌玖", start=1)}
_UNITS = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_TENS = {"廿": "二十", "卅": "三十"}

FIGURES = f"{''.join(_DIGITS)}{''.join(_UNITS)}{''.join(_TENS)}万"
"""Every character that a number in Chinese figures is written with."""

_SHAPES = str.maketrans(
    {char: "d" if value else "0" for char, value in _DIGITS.items()}
    | {char: "sbq"[len(str(value)) - 2] for char, value in _UNITS.items()}
)
_SECTION = "(?:d?q)?0?(?:d?b)?0?(?:d?s)?0?d?"  # thousands, hundreds, tens, ones
_ONE_NUMBER = re.compile(f"(?:{_SECTION}万)?{_SECTION}")
_UP_TO_19 = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ENGLISH = {word: value for value, word in enumerate(_UP_TO_19.split(), start=1)}
_ENGLISH |= {word: 10 * value for value, word in enumerate(_TENS_WORDS.split(), start=2)}
_ENGLISH["hundred"] = 100
_ENGLISH_WORD = "|".join(sorted(_ENGLISH, key=len, reverse=True))
_ENGLISH_NUMBER = re.compile(
    rf"\b(?:a (?=hundred))?(?:{_ENGLISH_WORD})(?:(?:[ -]| and )(?:{_ENGLISH_WORD}))*\b"
)


def _figures(text: str) -> str:
    return "".join(str(_DIGITS[char]) for char in text)


def read_number(text: str) -> int:
    """Read a whole number in figures of either script: ``80``, ``八十``, ``两百五``, ``五〇``."""
    if text.isdecimal():
        return int(text)
    if len(text) > 1 and _DIGITS.keys() >= set(text) and "0" in (said := _figures(text)):
        return int(said)  # 一二〇: figure by figure
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


def is_one_number(text: str) -> bool:
    """Whether figures make one number: 八十 and 一二〇 do, 五六 and 五十六十 do not."""
    if text.isdecimal() or (_DIGITS.keys() >= set(text) and "0" in _figures(text)):
        return True
    whole = "".join(_TENS.get(char, char) for char in text)
    return bool(_ONE_NUMBER.fullmatch(whole.translate(_SHAPES)))


def in_figures(text: str) -> str:
    """Write the English numbers in ``text`` (lower case) in figures: sixty is 60."""
    return _ENGLISH_NUMBER.sub(lambda match: str(_english(match[0])), text)


def _english(words: str) -> int:
    number = 0
    for word in re.split("[ -]", words):
        if word == "hundred":
            number = 100 * max(number, 1)
        else:
            number += _ENGLISH.get(word, 0)
    return number
