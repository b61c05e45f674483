"""Lines from elsewhere: CSV, Excel and JSON Lines, columns mapped, values understood.

What cannot be used comes back with its row number and the reason; private data are refused
or masked before anything is written.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from fencun.brief import parse_brief
from fencun.data.lines import parse_row
from fencun.data.privacy import Kind, find_private, mask
from fencun.errors import FencunError, RecordError
from fencun.files import Json, dump_line, sha256_json, write_bytes, write_jsonl
from fencun.language import say
from fencun.scenario import Scenario

# What a column may be called besides the names and labels of the scenario's dimensions.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("编号",),
    "text": ("正文", "内容", "祝福", "祝福语", "文本", "content", "output", "answer"),
    "why": ("为什么好", "理由", "说明"),
    "parent": ("亲本", "父本"),
    "topic": ("分寸话题", "分寸", "tact"),
    "handling": ("分寸处理", "处理"),
    "breeder": ("谁写的",),
    "run": (),
}
_IGNORED = "-"
_UNIT = re.compile(r"[（(].*")  # "篇幅（字）" is 篇幅
_MOST_COLUMNS = 64
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Refused:
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
class Imported:
    """Rows taken, rows refused, what was masked by kind, and what to tell about the file."""

    rows: list[Json] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    masked: dict[Kind, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    blank: int = 0  # rows of a worksheet that nobody has written yet


def read_rows(
    path: Path,
    scenario: Scenario,
    *,
    columns: Mapping[str, str] | None = None,
    masking: bool = False,
    breeder: str = "author",
    run: str | None = None,
    taken: Iterable[Json] = (),
) -> Imported:
    """Read the table in ``path`` as seeds (or drafts, where a row names its parent).

    ``columns`` maps columns to fields (``-`` leaves a column out); the names, labels and
    usual aliases of fields are known. ``taken`` are rows already there: neither an id nor a
    content comes twice.

    Raises:
        FencunError: the file cannot be read, or no column is the text; says what there is.
    """
    found = Imported()
    ids = {str(row.get("id")) for row in taken}
    contents = {_content(row, scenario) for row in taken}
    fields: dict[str, str] = {}
    for number, given in _table(path, found.notes):
        if isinstance(given, RecordError):
            found.refused.append(Refused(number, given.zh, given.en, {}))
            continue
        try:
            fields = _fields(scenario, given, columns or {}, fields)
        except FencunError as error:
            if not fields:  # the table as such cannot be read
                raise
            found.refused.append(_refused(number, error, given))
            continue
        if _blank(scenario, given, fields):
            found.blank += 1
            continue
        try:
            row = _row(scenario, given, fields, number)
            _keep_private(row, scenario, masking, found.masked, number)
            row = _finished(row, scenario, breeder, run, number)
            if row["id"] in ids:
                raise _told(number, f"id {row['id']} 已经有了。", f"the id {row['id']} is taken.")
            if _content(row, scenario) in contents:
                raise _told(number, "这一条已经有了。", "this line is already there.")
        except FencunError as error:
            found.refused.append(_refused(number, error, given))
            continue
        ids.add(row["id"])
        contents.add(_content(row, scenario))
        found.rows.append(row)
    return found


def _refused(number: int, error: FencunError, given: Json) -> Refused:
    zh, en = error.zh, error.en
    if not zh.startswith("第"):
        zh, en = f"第 {number} 行：{zh}", f"Row {number}: {en}"
    return Refused(number, zh, en, dict(given))


def _blank(scenario: Scenario, given: Json, fields: Mapping[str, str]) -> bool:
    free = {"text", *(d.name for d in scenario.dimensions if d.kind == "text")}
    return not any(str(given[c] or "").strip() for c, name in fields.items() if name in free)


def _told(number: int, zh: str, en: str) -> RecordError:
    return RecordError(f"第 {number} 行：{zh}", f"Row {number}: {en}", line=number)


# --- tables ------------------------------------------------------------------------------


def _table(path: Path, notes: list[str]) -> Iterator[tuple[int, Json | RecordError]]:
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _excel(path)
    if path.suffix.lower() == ".xls":
        raise FencunError(
            f"{path.name} 是旧的 .xls；请在 Excel 里另存为 .xlsx 或 CSV。",
            f"{path.name} is an old .xls file; save it as .xlsx or CSV.",
        )
    text = _decoded(path, notes)
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        return _json_lines(text)
    return _csv(text)


def _decoded(path: Path, notes: list[str]) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FencunError(
            f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
        ) from error
    if raw.startswith(_UTF16):
        notes.append(say("文件是 UTF-16 编码，已经按它读了。", "The file is UTF-16; read as such."))
        return raw.decode("utf-16", errors="replace")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        notes.append(say("文件是 GBK 编码，已经按 GBK 读了。", "The file is GBK; read as such."))
        try:
            return raw.decode("gb18030")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise FencunError(
                f"{path.name} 第 {line} 行既不是 UTF-8 也不是 GBK；请另存为 UTF-8。",
                f"{path.name} line {line} is neither UTF-8 nor GBK; save it as UTF-8.",
            ) from error
    if text.startswith("\ufeff"):
        notes.append(say("文件开头有 BOM，已经略过。", "A byte order mark was skipped."))
    return text.removeprefix("\ufeff")


def _json_lines(text: str) -> Iterator[tuple[int, Json | RecordError]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError):
            zh, en = "不是一个 JSON 对象。", "not a JSON object."
            yield number, _told(number, zh, en)
            continue
        yield number, value


def _csv(text: str) -> Iterator[tuple[int, Json | RecordError]]:
    head = text.split("\n", 1)[0]
    delimiter = max(",\t;，", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number, _told(number, f"CSV 读不了（{error}）。", f"bad CSV ({error}).")
            continue
        if cells is None:
            return
        if header is None:
            header = _header(cells)
        elif any(cell.strip() for cell in cells):
            yield number, _named(header, cells, number)


def _excel(path: Path) -> Iterator[tuple[int, Json | RecordError]]:
    try:
        from openpyxl import load_workbook  # type: ignore[import-untyped]
    except ImportError as error:
        raise FencunError(
            "读 Excel 要用 openpyxl；请先装：pip install 'fencun[data]'。",
            "Excel needs openpyxl; install it: pip install 'fencun[data]'.",
        ) from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise FencunError(
            f"打不开 {path}：不是 Excel（.xlsx）文件，或文件坏了。",
            f"Cannot open {path}: not an Excel (.xlsx) file, or broken.",
        ) from error
    try:
        header: list[str] | None = None
        for number, cells in enumerate(book.active.iter_rows(values_only=True), start=1):
            texts = ["" if cell is None else str(cell) for cell in cells[:_MOST_COLUMNS]]
            if header is None:
                header = _header(texts) if any(texts) else None
            elif any(text.strip() for text in texts):
                yield number, _named(header, texts, number)
    finally:
        book.close()


def _header(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells[:_MOST_COLUMNS]]


def _named(header: Sequence[str], cells: Sequence[str], number: int) -> Json | RecordError:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        zh = f"有 {len(cells)} 格，表头只有 {len(header)} 格；正文里的逗号要放进引号。"
        return _told(number, zh, f"{len(cells)} cells under {len(header)} headings.")
    return {name: cell for name, cell in zip(header, cells, strict=False) if name}


# --- fields ------------------------------------------------------------------------------


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
    known_as = {column: _UNIT.sub("", str(column)).strip().casefold() for column in given}
    found = {c: columns.get(c, names.get(known_as[c], _IGNORED)) for c in given}
    used = [name for name in found.values() if name != _IGNORED]
    if twice := [name for name in used if used.count(name) > 1]:
        both = "、".join(str(column) for column in found if found[column] == twice[0])
        raise FencunError(
            f"{both} 都成了 {twice[0]}；用 --map 列名=- 去掉一个。",
            f"{both} are all taken for {twice[0]}; leave one out with --map COLUMN=-.",
        )
    if "text" not in used:
        raise FencunError(
            f"哪一列是正文？表里有：{'、'.join(map(str, given))}。用 --map 列名=text 指给我。",
            f"Which column is the text? There are: {', '.join(map(str, given))}. "
            "Say --map COLUMN=text.",
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
            raise _told(number, f"“{column}”应当是文字。", f"{column!r} should be text.")
        else:
            row[name] = str(value).strip()
    names = {dimension.name for dimension in scenario.dimensions}
    brief = parse_brief(scenario, {key: value for key, value in row.items() if key in names})
    return {**row, **brief.values}


def _keep_private(
    row: Json, scenario: Scenario, masking: bool, masked: dict[Kind, int], number: int
) -> None:
    """Mask the private data in the free texts of ``row``, or refuse it."""
    free = [d.name for d in scenario.dimensions if d.kind == "text"]
    for name in (*free, "text", "why"):
        found = find_private(row.get(name, ""))
        if found and not masking:
            kinds = "、".join(dict.fromkeys(private.name for private in found))
            raise _told(
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


def keep(imported: Imported, out: Path) -> Path | None:
    """Add the rows taken to the file ``out``; keep the refused ones beside it.

    What ``out`` held stays byte for byte. Returns the file of the refused rows, if any.

    Raises:
        FencunError: the disk refused; ``out`` is untouched.
    """
    there = out.read_bytes() if out.exists() else b""
    if there and not there.endswith(b"\n"):
        there += b"\n"
    if imported.rows:
        write_bytes(out, there + b"".join(map(dump_line, imported.rows)))
    if not imported.refused:
        return None
    beside = out.with_suffix(".refused.jsonl")
    write_jsonl(beside, (refused.to_row() for refused in imported.refused))
    return beside


def _identity(content: Json) -> str:
    return f"i{sha256_json(content)[:12]}"


def _content(row: Mapping[str, Any], scenario: Scenario) -> str:
    return sha256_json([row.get("text"), *(row.get(d.name) for d in scenario.dimensions)])
