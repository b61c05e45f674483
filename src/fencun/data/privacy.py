"""Private data in Chinese formats: phones, ids, bank cards, e-mail, accounts, addresses.

Used on whatever comes in from outside: imports and feedback. Numbers are recognised in
half- and full-width figures, in Chinese figures, and with the separators people type.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from fencun.language import say

Kind = Literal["id", "card", "phone", "email", "account", "address"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES: dict[Kind, tuple[str, str]] = {
    "id": ("身份证号", "identity number"),
    "card": ("银行卡号", "bank card number"),
    "phone": ("电话", "telephone number"),
    "email": ("邮箱", "e-mail address"),
    "account": ("社交账号", "messenger account"),
    "address": ("地址", "postal address"),
}


@dataclass(frozen=True, slots=True)
class Private:
    """A private datum of ``kind`` in a text, from ``start`` up to ``end`` (offsets)."""

    kind: Kind
    start: int
    end: int

    @property
    def name(self) -> str:
        """What it is called."""
        return say(*NAMES[self.kind])


def find_private(text: str) -> list[Private]:
    """Return the private data in ``text`` by offset; none overlaps another."""
    found: list[Private] = []
    plain = text.translate(_WIDE)
    figures = _RUN_OF_SPOKEN.sub(lambda match: match[0].translate(_SPOKEN), plain)
    for kind in KINDS:  # the surest first: an id is no bank card, its figures no phone
        for start, end in _finders(kind, plain, figures):
            if not any(start < other.end and other.start < end for other in found):
                found.append(Private(kind, start, end))
    return sorted(found, key=lambda private: private.start)


def mask(text: str) -> str:
    """Return ``text`` with a bracketed name in the place of every private datum."""
    for private in reversed(find_private(text)):
        text = f"{text[: private.start]}［{NAMES[private.kind][0]}］{text[private.end :]}"
    return text


# One character for one character, so that offsets stay as they are.
_WIDE = {ord("０") + n: str(n) for n in range(10)}
_WIDE |= {
    ord(wide): plain for wide, plain in zip("＠．－—–（）　：＋Ｘｘ", "@.---() :+Xx", strict=True)
}
_SPOKEN = {ord(char): str(n) for n, char in enumerate("零一二三四五六七八九")}
_SPOKEN |= {ord("〇"): "0", ord("幺"): "1", ord("壹"): "1", ord("两"): "2"}
_RUN_OF_SPOKEN = re.compile("[零〇一幺二两三四五六七八九](?:[ -]?[零〇一幺二两三四五六七八九]){6,}")


def _finders(kind: Kind, plain: str, figures: str) -> Iterator[tuple[int, int]]:
    if kind == "id":
        return _ids(figures)
    if kind == "card":
        return _cards(figures)
    if kind == "phone":
        return _spans(_PHONE, figures)
    if kind == "email":
        return _spans(_EMAIL, plain)
    if kind == "account":
        return _spans(_ACCOUNT, plain)
    return _addresses(plain)


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in pattern.finditer(text))


# --- figures -----------------------------------------------------------------------------

_GAP = r"[ .·-]?"
_ID = re.compile(rf"(?<!\d)\d{{6}}{_GAP}\d{{8}}{_GAP}\d{{3}}[\dXx](?![\dA-Za-z])")
_OLD_ID = re.compile(r"(?<!\d)\d{15}(?!\d)")
_CARD = re.compile(rf"(?<!\d)[1-9](?:{_GAP}\d){{12,18}}(?!\d)")
_PHONE = re.compile(
    rf"(?<!\d)(?:\(?(?:\+|00)?86\)?{_GAP})?1[3-9]\d(?:{_GAP}\d){{8}}(?!\d)"  # mobile
    rf"|(?<!\d)(?:\(?(?:\+|00)?86\)?{_GAP})?\(?0\d{{2,3}}\)?[ -]?[2-9]\d{{2,3}}[ -]?\d{{4}}"
    r"(?:(?:转|-|ext\.?) ?\d{1,5})?(?!\d)"  # landline
    rf"|(?<!\d)[48]00{_GAP}\d{{3}}{_GAP}\d{{4}}(?!\d)"  # service numbers
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_PROVINCES = frozenset(  # the first two figures of an identity number
    str(number)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (81, 83))
    for number in range(first, last + 1)
) | {"71"}


def _ids(text: str) -> Iterator[tuple[int, int]]:
    for match in _ID.finditer(text):
        if valid_id(_figures(match[0])):
            yield match.span()
    for match in _OLD_ID.finditer(text):
        if match[0][:2] in _PROVINCES and _is_date(f"19{match[0][6:12]}"):
            yield match.span()


def valid_id(number: str) -> bool:
    """Return whether the 18 characters are an identity number (GB 11643: date and check digit)."""
    if len(number) != 18 or number[:2] not in _PROVINCES or not _is_date(number[6:14]):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return _CHECKS[total % 11] == number[17].upper()


def _is_date(figures: str) -> bool:
    try:
        born = date(int(figures[:4]), int(figures[4:6]), int(figures[6:8]))
    except ValueError:
        return False
    return 1880 <= born.year <= 2100


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        if valid_card(_figures(match[0])):
            yield match.span()


def valid_card(number: str) -> bool:
    """Return whether the figures end in the check digit of bank cards (Luhn, ISO/IEC 7812)."""
    if len(set(number)) == 1:
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(number))):
        doubled = 2 * digit if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _figures(text: str) -> str:
    return re.sub(r"[^\dXx]", "", text)


# --- names on the network ----------------------------------------------------------------

_EMAIL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63} ?(?:@|[\[(](?:at|AT)[\])]|艾特) ?"
    r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}(?: ?\. ?|点))+[A-Za-z]{2,18}(?![A-Za-z0-9])"
)
_ACCOUNT = re.compile(
    r"(?:微信号?|薇信|威信|[Ww](?:e[Cc]hat|[Xx])|[Vv][Xx])(?:是|号| ?:)? ?"
    r"[A-Za-z][A-Za-z0-9_-]{5,19}"
    r"|(?:[Qq]{2}|扣扣|企鹅号)(?:号|群)?(?:是|为| ?:)? ?[1-9]\d{4,10}(?!\d)"
    r"|(?:微信号?|[Vv][Xx])(?:是|号| ?:) ?[A-Za-z0-9_-]{6,20}"
)

# --- addresses ---------------------------------------------------------------------------

_NUMBER = r"(?:\d{1,5}|[一二三四五六七八九十百零〇两]{1,6})"
_HAN = "\u4e00-\u9fff"
# Words that stand before an address and are not part of a name in it.
_NAME = rf"(?:(?![在住到去从是的了寄往送我你您他她们这那哪])[{_HAN}]){{1,8}}?"


def _level(suffixes: str) -> str:
    """A name up to the first of ``suffixes``: atomic, so that no text takes long."""
    return rf"(?>{_NAME}(?:{suffixes}))"


_WARD = "(?<![小一二三四五六七八九十])区"  # 小区 and 四区 are parts of an estate
_REGION = rf"{_level('省|自治区|特别行政区')}?+ ?{_level('市|自治州|地区|盟')}?+ ?"
_DISTRICT = (
    rf"{_level(f'新区|{_WARD}|县|旗|市')}?+ ?{_level('街道|镇|乡')}?+ ?"
    rf"{_level('(?:社区|村)(?![街路])')}?+ ?"
)
_PLACE = r"(?![线口车台馆桌位球码房机厅就要才又去回来到])"  # "2号线", "8号回来" are no house
_ROOM = (
    rf"(?: ?(?:{_NUMBER}|[A-Za-z]\d{{0,2}})(?:号楼|栋|幢|座|单元|层|楼|室|户|房|号))*+"
    r"(?: ?\d{3,4}(?!\d))?"
)
_ROAD = (
    rf"{_NAME}(?:大街|大道|胡同|路|街|巷|弄|道(?=\d))(?:[东南西北中一二三四五六七八九十]段)? ?"
    rf"(?:{_NUMBER}(?:弄|巷) ?)?"
)
_ESTATE = (
    rf"{_NAME}(?:小区|花园|家园|公寓|新村|新苑|新城|宿舍|大院|社区|大厦|广场|苑|庭|府|湾|园|里)"
    r"(?:[一二三四五六七八九十\d]{1,2}[期区]|[东南西北]区)? ?"
)
_BUILDING = rf"(?:{_NUMBER}|[A-Za-z]\d{{0,2}})(?:号楼|栋|幢|座|号)"
_ADDRESS = re.compile(
    rf"{_REGION}{_DISTRICT}{_ROAD}[甲乙丙丁]?{_NUMBER} ?(?:号院?|號){_PLACE}{_ROOM}"
    rf"|{_REGION}{_DISTRICT}{_ESTATE}{_BUILDING} ?(?:{_NUMBER}(?:单元|门) ?)?"
    rf"(?:{_NUMBER}(?:室|户|房|号|单元)|\d{{3,4}}(?!\d))"
    rf"|{_REGION}{_DISTRICT}{_ESTATE}{_NUMBER}(?:号楼|栋|幢)"
    rf"|{_NAME}(?:\d{{1,2}}期)?{_BUILDING} ?{_NUMBER}(?:单元|门|室) ?(?:{_NUMBER}(?:室|户|房|号)?)?"
    rf"|{_NAME}\d{{1,2}}-\d{{1,2}}-\d{{3,4}}(?!\d)"
    rf"|{_REGION}{_DISTRICT}{_ESTATE}\d{{1,3}}-\d{{1,4}}(?:-\d{{1,4}})?(?:室|号)?(?!\d)"
    rf"|(?:{_level('省|自治区')} ?)?(?:{_level('市|自治州|地区|盟')} ?)?{_level('区|县|旗|市')} ?"
    rf"{_level('街道|镇|乡')} ?{_level('社区|村|屯|寨')} ?"
    rf"{_NUMBER}(?:组|队|社|号|屯){_PLACE}{_ROOM}"
    rf"|{_level('省|自治区|市')} ?{_level('市|州|区|县')} ?(?:{_level('区|县|市')} ?)?"
    rf"{_level('街道|镇|乡')} ?{_level('社区|新村|村|屯|寨')}{_ROOM}"
    rf"|{_level('省|自治区')} ?{_level('市|州|盟')} ?{_level('区|县|市|旗')} ?"
    rf"{_level('街道|镇|乡')}"
)
_LONGEST = 60
_SIGNS = re.compile(r"[号栋幢座]|\d-\d|[村屯寨社区][^，。]{1,6}[组队社屯]|[省市区].{2,20}[镇乡道]")


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """Search only the stretches of Han characters and figures that hold a sign of an address."""
    for match in re.finditer(rf"[{_HAN}A-Za-z0-9 -]+", text):
        if _SIGNS.search(match[0]):
            for found in _ADDRESS.finditer(match[0]):
                if found.end() - found.start() <= _LONGEST:
                    yield match.start() + found.start(), match.start() + found.end()
