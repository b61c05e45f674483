"""Reading blind: one person or one AI says of every text whether it could be sent as it is.

A sheet (what the reader gets) tells nothing of arms, gates or order; its key, which stays with
the host, does. What comes back is checked whole and kept as reads. Reads are no votes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from fencun.errors import FencunError, RecordError
from fencun.evaluate.records import Hash, Row
from fencun.files import Json, locked, sha256_json, whole_rows, write_jsonl
from fencun.gates.text import sentences
from fencun.provenance import timestamp

Grade = Literal[0, 1, 2]
Kind = Literal["person", "ai"]
Fault = Literal[
    "sense", "invented", "turned", "named", "time", "person", "copied", "loop", "cold", "other"
]
AS_IS: Grade = 2

GRADES: dict[Grade, tuple[str, str]] = {
    2: ("照原样就能发", "could be sent as it is"),
    1: ("改一两个词就能发", "could be sent with a word or two changed"),
    0: ("不能发", "could not be sent"),
}
FAULTS: dict[Fault, tuple[str, str]] = {
    "sense": ("说不通", "makes no sense"),
    "invented": ("编了事", "invented"),
    "turned": ("谁对谁弄反了", "who did it for whom is turned round"),
    "named": ("点破了不该提的", "named what should not be named"),
    "time": ("场合或时间不对", "wrong occasion or time"),
    "person": ("人或辈分不对", "wrong person or rank"),
    "copied": ("照抄细节", "copied"),
    "loop": ("绕圈或没写完", "goes in circles or breaks off"),
    "cold": ("冷或套话", "cold or cliché"),
    "other": ("别的", "other"),
}
_SHOWN_ERRORS = 10

AnyRow = TypeVar("AnyRow", bound=Row)
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,40}$", strip_whitespace=True)]


class SheetLine(Row):
    """One line of a sheet: what the reader sees, and what the reader fills in."""

    number: int = Field(ge=1)
    brief: str = ""
    text: str = ""
    grade: Grade | None = None
    reason: str | int | None = None
    where: int | None = None

    @field_validator("grade", "where", mode="before")
    @classmethod
    def _left_empty(cls, value: object) -> object:
        return None if value == "" else value


class Shown(Row):
    """Which arm showed a text, and at which place among those it showed (from 1)."""

    arm: str
    place: int = Field(ge=1)
    sendable: float | None = None


class KeyText(Row):
    """A text of a sheet as the host knows it; ``numbers`` are its one or two lines."""

    id: str
    brief: dict[str, str]
    length: str
    topic: str
    text: str
    hash: Hash
    shown: tuple[Shown, ...]
    numbers: tuple[int, ...]


class Key(BaseModel):
    """What stays with the host of a reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sheet: Hash
    scenario: str
    made: str
    seed: int
    twice: float
    texts: tuple[KeyText, ...]


class Read(Row):
    """What one reader said of one text that one arm showed at one place.

    ``brief`` is the request as typed, ``length`` its canonical length, ``topic`` its sensitive
    matter (or empty), ``where`` the number of the first sentence that is wrong. ``again`` marks
    the second time that the same reader met the same text. ``hash`` is that of brief and text,
    ``sendable`` what the arm's verifier held of it (None where it has none).
    """

    sheet: Hash
    number: int = Field(ge=1)
    again: bool
    scenario: str
    id: str
    brief: dict[str, str]
    length: str
    topic: str
    text: str
    hash: Hash
    arm: str
    place: int = Field(ge=1)
    sendable: float | None = None
    grade: Grade
    reason: Fault | None = None
    where: int | None = Field(default=None, ge=1)
    reader: Name
    kind: Kind
    at: str


def sheet_hash(lines: Iterable[SheetLine]) -> str:
    """Return what tells a sheet from every other: the hash of what is shown in it."""
    return sha256_json(sorted([line.number, line.brief, line.text] for line in lines))


def take(sheet: Path, key: Path, grades: Path, *, reader: str, kind: Kind, out: Path) -> list[Read]:
    """Check the grades of one reader and append them to ``out`` as reads, all or none.

    Raises:
        FencunError: the files do not belong together, a line is missing, unknown, given twice
            or not as a grade should be (all are named), or the reader has read this sheet before.
    """
    found = load_key(key)
    lines = read_sheet(sheet)
    if sheet_hash(lines.values()) != found.sheet:
        raise FencunError(
            f"{sheet} 不是 {key} 的那张审读单，或者被改过。",
            f"{sheet} is not the sheet that {key} belongs to, or was changed.",
        )
    given = _read_grades(grades, lines)
    reads = list(_reads(found, given, reader, kind))
    with locked(out.parent):
        rows = [row for _, row in whole_rows(out)] if out.exists() else []
        if any(row.get("sheet") == found.sheet and row.get("reader") == reads[0].reader
               for row in rows):  # fmt: skip
            raise FencunError(
                f"{reads[0].reader} 读过这张审读单，{out} 里已经有了。",
                f"{reads[0].reader} has read this sheet before; it is in {out} already.",
            )
        write_jsonl(out, [*rows, *(read.model_dump(mode="json") for read in reads)])
    return reads


def load_key(path: Path) -> Key:
    """Return the key in ``path``.

    Raises:
        FencunError: it cannot be read.
    """
    try:
        return Key.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FencunError(
            f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
        ) from error
    except ValidationError as error:
        raise FencunError(
            f"{path} 不是审读单的钥匙文件。", f"{path} is no key of a reading sheet."
        ) from error


def read_sheet(path: Path) -> dict[int, SheetLine]:
    """Return the lines of a sheet by number.

    Raises:
        RecordError: a line cannot be read; names the file and the line.
    """
    return {
        line.number: line
        for line in (_checked(SheetLine, path, row, n) for n, row in whole_rows(path))
    }


def read_reads(paths: Iterable[Path]) -> list[Read]:
    """Return the reads of files.

    Raises:
        RecordError: a line cannot be read; names the file and the line.
    """
    return [_checked(Read, path, row, n) for path in paths for n, row in whole_rows(path)]


def _reads(key: Key, given: dict[int, SheetLine], reader: str, kind: Kind) -> Iterator[Read]:
    at = timestamp()
    for text in key.texts:
        for time, number in enumerate(sorted(text.numbers)):
            line = given[number]
            for shown in text.shown:
                yield Read.from_row(
                    {
                        **text.model_dump(exclude={"shown", "numbers"}),
                        "sheet": key.sheet, "number": number, "again": time > 0,
                        "scenario": key.scenario, **shown.model_dump(),
                        "grade": line.grade, "reason": line.reason, "where": line.where,
                        "reader": reader, "kind": kind, "at": at,
                    }
                )  # fmt: skip


def _read_grades(path: Path, sheet: dict[int, SheetLine]) -> dict[int, SheetLine]:
    """Return a whole and valid line for every line of ``sheet``."""
    given: dict[int, SheetLine] = {}
    errors: list[tuple[str, str]] = []
    for at, row in whole_rows(path):
        try:
            line = _graded(path, row, at, sheet)
            if line.number in given:
                raise _wrong(
                    at, f"第 {line.number} 号给了两次", f"number {line.number} comes twice"
                )
            given[line.number] = line
        except RecordError as error:
            errors.append((error.zh, error.en))
    told = {row.get("number") for _, row in whole_rows(path)}
    if missing := [number for number in sheet if number not in told]:
        names = ", ".join(map(str, missing[:20])) + ("…" if len(missing) > 20 else "")
        errors.append((f"还缺 {len(missing)} 号：{names}。", f"{len(missing)} missing: {names}."))
    if errors:
        rest = len(errors) - _SHOWN_ERRORS
        more = (f"……还有 {rest} 处。", f"… {rest} more.") if rest > 0 else ("", "")
        shown = [*errors[:_SHOWN_ERRORS], more]
        raise FencunError(
            f"{path} 没有收，一行也没记：" + "".join(zh for zh, _ in shown),
            f"{path} was not taken, not a line of it: " + " ".join(en for _, en in shown).strip(),
        )
    return given


def _graded(path: Path, row: Json, at: int, sheet: dict[int, SheetLine]) -> SheetLine:
    line = _checked(SheetLine, path, row, at)
    asked = sheet.get(line.number)
    if asked is None:
        raise _wrong(at, f"审读单里没有 {line.number} 号", f"there is no number {line.number}")
    if (line.brief and line.brief != asked.brief) or (line.text and line.text != asked.text):
        raise _wrong(at, f"{line.number} 号的需求或文字被改过",
                     f"the brief or the text of number {line.number} was changed")  # fmt: skip
    if line.grade is None:
        raise _wrong(at, f"{line.number} 号没有等级（2、1 或 0）",
                     f"number {line.number} has no grade (2, 1 or 0)")  # fmt: skip
    reason, where = parse_fault(line.reason, at), line.where or None
    if (reason is None) != (line.grade == AS_IS):
        raise _wrong(at, f"{line.number} 号：2 不写理由，1 和 0 要写一个理由",
                     f"number {line.number}: 2 takes no reason, 1 and 0 take one")  # fmt: skip
    count = len(sentences(asked.text))
    if where is not None and (line.grade == AS_IS or not 1 <= where <= count):
        raise _wrong(at, f"{line.number} 号的句号码 {where} 不对（这条有 {count} 句，2 不写）",
                     f"number {line.number}: there is no sentence {where} to blame "
                     f"({count} in all, none for a 2)")  # fmt: skip
    return line.model_copy(update={"reason": reason, "where": where})


def parse_fault(told: str | int | None, line: int | None = None) -> Fault | None:
    """Return the fault meant: by its code, its name in either language, or its number (1 to 10).

    Raises:
        RecordError: it is none of them; says which there are.
    """
    word = str("" if told is None else told).strip().lower()
    if not word:
        return None
    for number, (code, names) in enumerate(FAULTS.items(), start=1):
        if word in (code, str(number), names[0], names[1].lower()):
            return code
    codes = ", ".join(FAULTS)
    raise _wrong(line, f"没有“{word[:24]}”这个理由；可用：{codes}",
                 f"{word[:24]!r} is no reason; there are: {codes}")  # fmt: skip


def _wrong(line: int | None, zh: str, en: str) -> RecordError:
    at_zh, at_en = (f"第 {line} 行：", f"line {line}: ") if line else ("", "")
    return RecordError(f"{at_zh}{zh}。", f"{at_en}{en}.", line=line)


def _checked(model: type[AnyRow], path: Path, row: Json, line: int) -> AnyRow:
    try:
        return model.from_row(row, line)
    except RecordError as error:
        raise RecordError(f"{path} {error.zh}", f"{path}: {error.en}", line=line) from error
