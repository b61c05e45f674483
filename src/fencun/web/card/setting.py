"""Chinese typesetting: where lines may break, and how text stands in columns.

Lengths are in ems: a Chinese character is 1 wide. The rules are those of 标点避头尾
(GB/T 15834, and W3C's Requirements for Chinese Text Layout): no line begins with a closing
mark and none ends with an opening one; a mark that would begin a line hangs at the end of
the line before it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_NOT_FIRST = frozenset("、，。．！？：；·”’）》〉】」』〕…—～,.!?:;)]}%")
_NOT_LAST = frozenset("“‘（《〈【「『〔([{")
_HANGING = frozenset("、，。．：；！？,.")
_LATIN = re.compile(r"[0-9A-Za-zÀ-ɏ@#$&+=/_'\-.:%]+(?<![.:])|——|……|.", re.DOTALL)
_UPRIGHT = dict(
    zip(
        "，、。：；！？…—（）“”‘’《》〈〉【】「」『』～",
        "︐︑︒︓︔︕︖︙︱︵︶﹃﹄﹁﹂︽︾︿﹀︻︼﹁﹂﹃﹄︴",
        strict=True,
    )
)
_SHORT = 2  # Latin letters or digits that stand upright side by side in a column


@dataclass(frozen=True, slots=True)
class Cell:
    """What is never broken: a character, a Latin word, a dash. ``width`` is in ems."""

    text: str
    width: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line or column; ``indent`` in ems; ``end`` whether it stands at the far end."""

    cells: tuple[Cell, ...]
    indent: float = 0.0
    end: bool = False

    @property
    def width(self) -> float:
        """Its length in ems, without the indent."""
        return sum(cell.width for cell in self.cells)


def cells(text: str, measure: Callable[[str], float]) -> list[Cell]:
    """Cut ``text`` into cells; ``measure`` gives the width of a Latin word in ems."""
    return [Cell(part, _width(part, measure)) for part in _LATIN.findall(text)]


def upright_cells(text: str, measure: Callable[[str], float]) -> list[Cell]:
    """Cut ``text`` for a column: marks in their vertical forms, short numbers in one em."""
    found = []
    for part in _LATIN.findall(text):
        if part in ("——", "……"):
            found.append(Cell(_UPRIGHT[part[0]] * 2, 2.0))
        elif _is_latin(part):
            found.append(Cell(part, 1.0 if len(part) <= _SHORT else measure(part)))
        else:
            found.append(Cell(_UPRIGHT.get(part, part), 0.5 if part == " " else 1.0))
    return found


def _width(part: str, measure: Callable[[str], float]) -> float:
    return measure(part) if _is_latin(part) or part == " " or len(part) > 1 else 1.0


def _is_latin(part: str) -> bool:
    return part[0].isascii() and part != " "


def break_lines(parts: list[Cell], width: float, indent: float = 0.0) -> list[TextLine]:
    """Break ``parts`` into lines of at most ``width`` ems, the first one indented.

    A hanging mark may stand half an em or more beyond ``width``.
    """
    lines: list[TextLine] = []
    rest = parts
    while rest:
        room = width - (0.0 if lines else indent)
        count = _fitting(rest, room)
        lines.append(TextLine(tuple(_trimmed(rest[:count])), 0.0 if lines else indent))
        rest = _trimmed_left(rest[count:])
    return lines


def _fitting(parts: list[Cell], room: float) -> int:
    """Return how many of ``parts`` go on a line with ``room`` ems."""
    count, used = 0, 0.0
    for part in parts:
        if used + part.width > room + 1e-6 and count:
            break
        used += part.width
        count += 1
    if count < len(parts) and _mark(parts[count]) in _HANGING_FORMS:
        count += 1  # it hangs
        if count < len(parts) and _mark(parts[count]) in _CLOSING_FORMS:
            count += 1  # and what closes after it keeps it company
    return _back_off(parts, count)


def _back_off(parts: list[Cell], count: int) -> int:
    """Move the break to the left until neither side of it breaks a rule."""
    at = count
    while 0 < at < len(parts) and (
        _mark(parts[at]) in _NOT_FIRST_FORMS or _mark(parts[at - 1]) in _NOT_LAST_FORMS
    ):
        at -= 1
    return at or count


def _mark(cell: Cell) -> str:
    return cell.text[0]


def _forms(marks: frozenset[str]) -> frozenset[str]:
    return marks | {_UPRIGHT[mark] for mark in marks if mark in _UPRIGHT}


# The vertical quotes serve both “ and 「, so which side they close is looked up, not guessed.
_NOT_FIRST_FORMS = _forms(_NOT_FIRST)
_NOT_LAST_FORMS = _forms(_NOT_LAST)
_HANGING_FORMS = _forms(_HANGING)
_CLOSING_FORMS = _forms(frozenset("”’）》〉】」』〕"))


def _trimmed(parts: list[Cell]) -> Iterator[Cell]:
    while parts and parts[-1].text == " ":
        parts = parts[:-1]
    yield from _trimmed_left(parts)


def _trimmed_left(parts: list[Cell]) -> list[Cell]:
    while parts and parts[0].text == " ":
        parts = parts[1:]
    return parts
