"""Lines from elsewhere: CSV, Excel and JSON Lines, columns mapped, values understood.

What cannot be used comes back with its row number and the reason; private data are refused
or masked before anything is written.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from fencun.brief import parse_brief
from fencun.data.lines import parse_row
from fencun.data.privacy import Kind, find_private, mask
from fencun.data.spreadsheets import SheetLayout, malformed, read_table
from fencun.data.trainer_rows import unfold
from fencun.errors import FencunError, RecordError
from fencun.files import Json, dump_line, replacing, sha256_json
from fencun.language import say
from fencun.models.think import ThinkFilter
from fencun.scenario import Scenario
from fencun.script import plain

# What a column may be called besides the names and labels of the scenario's dimensions.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("编号",),
    "text": ("正文", "内容", "文本", "content", "output", "answer"),
    "why": ("为什么好", "理由", "说明"),
    "parent": ("亲本", "父本"),
    "topic": ("分寸话题", "分寸", "tact"),
    "handling": ("分寸处理", "处理"),
    "breeder": ("谁写的",),
    "run": (),
}
_IGNORED = "-"
_Row = tuple[int, Json | RecordError]
_UNIT = re.compile(r"[（(/*:：].*")  # "篇幅（字）" is 篇幅, and so is "篇幅*"
_GAP = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_EXCEL_ERROR = re.compile(r"#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|SPILL!|CALC!)")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken: its number in the file (the header is row 1), why, and itself."""

    number: int
    zh: str
    en: str
    row: Json

    def __str__(self) -> str:
        return say(self.zh, self.en)

    def to_row(self) -> Json:
        """Return what is kept of it, so that it can be mended and tried again."""
        return {"row": self.number, "zh": self.zh, "en": self.en, "given": self.row}


@dataclass(slots=True)
class ImportNotes:
    """What there is to tell of a file besides its rows; grows while they are read."""

    masked: dict[Kind, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    blank: int = 0  # rows of a worksheet that nobody has written yet
    systems: int = 0  # chats whose system prompt was left out


@dataclass(slots=True)
class ImportResult:
    """How many rows were taken and refused, the first of the refused, and where all of them lie."""

    taken: int = 0
    refused: int = 0
    first: list[RefusedRow] = field(default_factory=list)
    beside: Path | None = None


def read_rows(
    path: Path,
    scenario: Scenario,
    notes: ImportNotes,
    *,
    columns: Mapping[str, str] | None = None,
    masking: bool = False,
    breeder: str = "author",
    run: str | None = None,
    taken: Iterable[Json] = (),
    layout: SheetLayout | None = None,
) -> Iterator[Json | RefusedRow]:
    """Yield the rows of the table in ``path`` as seeds (or drafts, where they name a parent).

    Chats of one question and its answer are read too, in the forms that our exports have;
    ``layout`` says where the table lies, where that is not plain.
    ``columns`` maps columns to fields (``-`` leaves a column out); the names, labels and
    usual aliases of fields are known. ``taken`` are rows already there: neither an id nor a
    content comes twice. Text is read a row at a time, however long the file is.

    Raises:
        FencunError: the file cannot be read, or no column is the text; says what there is.
    """
    ids: set[str] = set()
    contents: set[bytes] = set()
    for row in taken:
        ids.add(str(row.get("id")))
        contents.add(_content(row, scenario))
    fields: dict[str, str] = {}
    for number, given in _some(read_table(path, notes.notes, layout), path):
        if isinstance(given, RecordError):
            yield RefusedRow(number, given.zh, given.en, {})
            continue
        try:
            given = _unfolded(scenario, given, number, notes)
            fields = _fields(scenario, given, columns or {}, fields)
        except FencunError as error:
            if not fields and not isinstance(error, RecordError):  # no row can be read
                raise
            yield _refused(number, error, given)
            continue
        if _blank(scenario, given, fields):
            notes.blank += 1
            continue
        try:
            row = _row(scenario, given, fields, number)
            _keep_private(row, scenario, masking, notes.masked, number)
            row = _finished(row, scenario, breeder, run, number)
            content = _content(row, scenario)
            if content in contents:
                raise malformed(number, "这一条已经有了。", "this line is already there.")
            if row["id"] in ids:
                raise malformed(
                    number, f"id {row['id']} 已经有了。", f"the id {row['id']} is taken."
                )
        except FencunError as error:
            yield _refused(number, error, given)
            continue
        ids.add(row["id"])
        contents.add(content)
        yield row


def _some(rows: Iterator[_Row], path: Path) -> Iterator[_Row]:
    """Pass on the rows of ``path``; raise where there are none."""
    row = None
    for row in rows:
        yield row
    if row is None and path.stat().st_size == 0:
        raise FencunError(f"{path.name} 是空文件。", f"{path.name} is an empty file.")
    if row is None:
        raise FencunError(
            f"{path.name} 里一行内容也没有（也许只有表头）。",
            f"{path.name} has no rows (perhaps only headings).",
        )


def _unfolded(scenario: Scenario, given: Json, number: int, notes: ImportNotes) -> Json:
    """Return a chat as a flat row, and any other row as it is."""
    if (spoken := unfold(scenario, given, number)) is None:
        return given
    row, system = spoken
    notes.systems += system
    return row


def _refused(number: int, error: FencunError, given: Json) -> RefusedRow:
    zh, en = error.zh, error.en
    if not zh.startswith("第"):
        zh, en = f"第 {number} 行：{zh}", f"Row {number}: {en}"
    return RefusedRow(number, zh, en, dict(given))


def _blank(scenario: Scenario, given: Json, fields: Mapping[str, str]) -> bool:
    free = {"text", *(d.name for d in scenario.dimensions if d.kind == "text")}
    return not any(str(given[c] or "").strip() for c, name in fields.items() if name in free)


def _fields(
    scenario: Scenario, given: Json, columns: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    """Return the field of every column; columns that mean nothing here are left out."""
    if known.keys() == given.keys():
        return dict(known)
    names: dict[str, str] = {}
    for dimension in scenario.dimensions:
        for name in (dimension.name, dimension.label, dimension.en, dimension.line or ""):
            names[name.casefold()] = dimension.name
    for own, aliases in _ALIASES.items():
        names.update({alias.casefold(): own for alias in (own, *aliases)})
    for called in (scenario.product, f"{scenario.product}语"):
        names.setdefault(called.casefold(), "text")
    allowed = {*names.values(), _IGNORED}
    if wrong := [target for target in columns.values() if target not in allowed]:
        raise FencunError(
            f"--map 里没有“{wrong[0]}”这个字段；可用：{'、'.join(sorted(allowed))}。",
            f"--map: unknown field {wrong[0]!r}; known: {', '.join(sorted(allowed))}.",
        )
    if absent := [column for column in columns if column not in given]:
        raise FencunError(
            f"表里没有“{absent[0]}”这一列；有：{'、'.join(map(str, given))}。",
            f"There is no column {absent[0]!r}; there are: {', '.join(map(str, given))}.",
        )
    known_as = {
        column: _GAP.sub("", _UNIT.sub("", str(column)).strip()).casefold() for column in given
    }
    meant = {
        c: names.get(known, names.get(plain(known), _IGNORED)) for c, known in known_as.items()
    }
    found = {c: columns.get(c, meant[c]) for c in given}
    used = [name for name in found.values() if name != _IGNORED]
    if twice := [name for name in used if used.count(name) > 1]:
        both = "、".join(str(column) for column in found if found[column] == twice[0])
        raise FencunError(
            f"{both} 都成了 {twice[0]}；用 --map 列名=- 去掉一个。",
            f"{both} are all taken for {twice[0]}; leave one out with --map COLUMN=-.",
        )
    if "text" not in used:
        raise FencunError(
            f"哪一列是正文？表里有：{'、'.join(map(str, given))}。用 --map 列名=text 指给我；"
            "表头不在第一行的话，用 --header 行号。",
            f"Which column is the text? There are: {', '.join(map(str, given))}. "
            "Say --map COLUMN=text, or --header ROW if the headings are elsewhere.",
        )
    return found


def _row(scenario: Scenario, given: Json, fields: Mapping[str, str], number: int) -> Json:
    """Return the fields of a row, values understood as people type them."""
    row: Json = {}
    for column, value in given.items():
        if (name := fields[column]) == _IGNORED or value is None:
            continue
        if name == "topic" and isinstance(value, dict):  # our own files: {"topic", "handling"}
            row |= {"topic": value.get("topic", ""), "handling": value.get("handling", "")}
        elif not isinstance(value, str | int | float):
            raise malformed(number, f"“{column}”应当是文字。", f"{column!r} should be text.")
        elif _EXCEL_ERROR.fullmatch(str(value).strip()):
            raise malformed(
                number,
                f"“{column}”是 Excel 的错误值 {value}；在 Excel 里改好再导入。",
                f"{column!r} is an error of Excel, {value}; mend it there and import it again.",
            )
        else:
            row[name] = str(value).strip()
    _refuse_thoughts(row.get("text", ""), number)
    names = {dimension.name for dimension in scenario.dimensions}
    brief = parse_brief(scenario, {key: value for key, value in row.items() if key in names})
    return {**row, **brief.values}


def _refuse_thoughts(text: str, number: int) -> None:
    """Refuse the thoughts of a model: whoever learns from them sends them."""
    thinking = ThinkFilter()
    thinking.feed(text)
    thinking.finish()
    if thinking.thought:
        raise malformed(
            number,
            "正文里有模型的思考（<think> 之类），请删掉。",
            "the text holds a model's thoughts (<think> or the like); remove them.",
        )


def _keep_private(
    row: Json, scenario: Scenario, masking: bool, masked: dict[Kind, int], number: int
) -> None:
    """Mask the private data in the free texts of ``row``, or refuse it."""
    free = [d.name for d in scenario.dimensions if d.kind == "text"]
    for name in (*free, "text", "why"):
        found = find_private(row.get(name, ""))
        if found and not masking:
            kinds = "、".join(dict.fromkeys(private.name for private in found))
            raise malformed(
                number,
                f"“{name}”里有{kinds}；请删掉，或加 --mask 换成占位。",
                f"{name!r} holds a {kinds}; remove it, or pass --mask.",
            )
        for private in found:
            masked[private.kind] = masked.get(private.kind, 0) + 1
        if found:
            row[name] = mask(row[name])


def _finished(row: Json, scenario: Scenario, breeder: str, run: str | None, number: int) -> Json:
    """Return ``row`` as it stands in a file of seeds or drafts, validated."""
    topic, handling = row.pop("topic", ""), row.pop("handling", "")
    if topic in ("", "无"):
        tact = None
    else:
        declared = {known.name: known.handling for known in scenario.tact}
        tact = {"topic": topic, "handling": handling or declared.get(topic, "不提")}
    brief = {d.name: row[d.name] for d in scenario.dimensions}
    parent = row.get("parent", "")
    made: Json = {"id": row.get("id") or _identity({**brief, "text": row.get("text", "")})}
    if parent:
        made["parent"] = parent
    made |= {**brief, "text": row.get("text", ""), "tact": tact, "why": row.get("why", "")}
    if parent:
        made |= {"breeder": row.get("breeder") or breeder, "run": row.get("run") or run}
    parse_row(scenario, made, number)
    return made


def keep(entries: Iterable[Json | RefusedRow], out: Path) -> ImportResult:
    """Add the rows taken to the file ``out``; keep the refused ones beside it.

    What ``out`` held stays byte for byte; it is replaced once all rows are read.

    Raises:
        FencunError: a row could not be read, or the disk refused; ``out`` is untouched.
    """
    kept = ImportResult()
    beside = out.with_suffix(".refused.jsonl")
    with ExitStack() as files:
        taken = refused = None
        for entry in entries:
            if isinstance(entry, RefusedRow):
                refused = refused or files.enter_context(replacing(beside))
                refused.write(dump_line(entry.to_row()))
                kept.refused, kept.beside = kept.refused + 1, beside
                kept.first += [entry] if len(kept.first) < _SHOWN else []
            else:
                taken = taken or files.enter_context(_after(out))
                taken.write(dump_line(entry))
                kept.taken += 1
    return kept


@contextmanager
def _after(out: Path) -> Iterator[IO[bytes]]:
    """Yield a file that takes the place of ``out`` and already holds what ``out`` does."""
    with replacing(out) as file:
        if out.exists():
            with out.open("rb") as there:
                shutil.copyfileobj(there, file)
                if there.tell() and (there.seek(-1, os.SEEK_END), there.read())[1] != b"\n":
                    file.write(b"\n")
        yield file


def _identity(content: Json) -> str:
    return f"i{sha256_json(content)[:12]}"


def _content(row: Mapping[str, Any], scenario: Scenario) -> bytes:
    """Return a short digest of what a model would learn from: a million must fit in memory."""
    digest = sha256_json([row.get("text"), *(row.get(d.name) for d in scenario.dimensions)])
    return bytes.fromhex(digest[:32])
