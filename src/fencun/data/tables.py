"""Tables as they come: CSV, Excel, JSON Lines, in the encodings of this country, row by row."""

import codecs
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from fencun.errors import FencunError, RecordError
from fencun.extras import need
from fencun.files import Json
from fencun.language import say

_MOST_COLUMNS = 64
_MOST_EMPTY = 10_000
_MOST_UNPACKED = 100 << 20
_LOOKED_AT = 20  # rows or lines from which is told what a file is like
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

_CHATS = ("messages", "conversations")  # a list under such a name is one row

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a file the table lies: the ``sheet`` of a workbook, the row of the headings.

    None where it is plain to see; what is not is asked about.
    """

    sheet: str | None = None
    header: int | None = None


def read_table(
    path: Path, notes: list[str], layout: Layout | None = None
) -> Iterator[tuple[int, Json | RecordError]]:
    """Return the rows of ``path`` by column with their line numbers; a bad row is an error.

    ``notes`` gets what there is to tell of the file. Rows are read one at a time, but for
    those of a JSON array.

    Raises:
        FencunError: the file cannot be read, or where its table begins must be said.
    """
    layout = layout or Layout()
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _named_rows(_excel(path, layout), layout)
    if path.suffix.lower() == ".xls":
        raise FencunError(
            f"{path.name} 是旧的 .xls；请在 Excel 里另存为 .xlsx 或 CSV。",
            f"{path.name} is an old .xls file; save it as .xlsx or CSV.",
        )
    if path.exists() and not path.is_file():  # it is read more than once
        raise FencunError(
            f"{path} 不是文件（是文件夹，或是管道）；先存成文件。",
            f"{path} is no file but a folder or a pipe; save it as a file first.",
        )
    encoding = _encoding(path, notes)
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        return _json(path, encoding)
    return _named_rows(_csv(path, encoding), layout)


def _encoding(path: Path, notes: list[str]) -> str:
    """Return how ``path`` is to be decoded; say so in ``notes`` where it is not plain UTF-8."""
    try:
        with path.open("rb") as file:
            head = file.read(3)
        if head.startswith(_UTF16):
            notes.append(
                say("文件是 UTF-16 编码，已经按它读了。", "The file is UTF-16; read as such.")
            )
            return "utf-16"
        if not _undecodable(path, "utf-8"):
            if head == codecs.BOM_UTF8:
                notes.append(say("文件开头有 BOM，已经略过。", "A byte order mark was skipped."))
            return "utf-8-sig"
        notes.append(say("文件是 GBK 编码，已经按 GBK 读了。", "The file is GBK; read as such."))
        line = _undecodable(path, "gb18030")
    except OSError as error:
        raise FencunError(
            f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
        ) from error
    if line:
        raise FencunError(
            f"{path.name} 第 {line} 行既不是 UTF-8 也不是 GBK；请另存为 UTF-8。",
            f"{path.name} line {line} is neither UTF-8 nor GBK; save it as UTF-8.",
        )
    return "gb18030"


def _undecodable(path: Path, encoding: str) -> int:
    """Return the first line that is not in ``encoding``, from 1; 0 where all are.

    In neither encoding is a byte of a character a line feed, so that lines can be looked at.
    """
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                raw.decode(encoding)
            except UnicodeDecodeError:
                return number
    return 0


def _json(path: Path, encoding: str) -> Iterator[tuple[int, Json | RecordError]]:
    """Objects a line, or one array of them, however it is laid out."""
    with path.open(encoding=encoding, errors="replace", newline="\n") as file:
        while (first := file.read(1)).isspace():
            pass
    if first == "[" or path.suffix.lower() == ".json":
        try:
            whole = json.loads(path.read_text(encoding=encoding, errors="replace"))
        except (ValueError, RecursionError):
            whole = None  # objects a line, or an array that is broken: its lines will tell
        if isinstance(whole, dict):
            ((name, value),) = whole.items() if len(whole) == 1 else (("", None),)
            whole = value if isinstance(value, list) and name not in _CHATS else [whole]
        if whole is not None:
            return _objects(whole)
    return _json_lines(path, encoding)


def _objects(values: list[Any]) -> Iterator[tuple[int, Json | RecordError]]:
    for number, value in enumerate(values, start=1):
        if isinstance(value, dict):
            yield number, value
        else:
            yield number, malformed(number, "不是一个 JSON 对象。", "not a JSON object.")


def _json_lines(path: Path, encoding: str) -> Iterator[tuple[int, Json | RecordError]]:
    with path.open(encoding=encoding, errors="replace", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
                if not isinstance(value, dict):
                    raise ValueError("not an object")
            except (ValueError, RecursionError):
                yield number, malformed(number, "不是一个 JSON 对象。", "not a JSON object.")
                continue
            yield number, value


def _csv(path: Path, encoding: str) -> Iterator[tuple[int, Cells | RecordError]]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        head = "".join(file.readline() for _ in range(_LOOKED_AT))
        file.seek(0)
        # Strict, for a quotation mark inside quotation marks would be lost without a word.
        reader = csv.reader(file, delimiter=max(",\t;，", key=head.count), strict=True)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield number, _bad_csv(number, error)
                continue
            if cells is None:
                return
            yield number, cells


def _bad_csv(number: int, error: csv.Error) -> RecordError:
    if "expected after" in str(error) or "unexpected end" in str(error):
        return malformed(
            number,
            '引号没有配好。格子里的引号要写成两个（""），或者改用中文引号“”，或另存为 Excel。',
            'unpaired quotation marks; inside a cell write them twice (""), or save as Excel.',
        )
    return malformed(number, f"CSV 读不了（{error}）。", f"bad CSV ({error}).")


def _excel(path: Path, layout: Layout) -> Iterator[tuple[int, Cells | RecordError]]:
    need("data", "openpyxl")
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    _refuse_bomb(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise FencunError(
            f"打不开 {path}：不是 Excel（.xlsx）文件，或文件坏了。",
            f"Cannot open {path}: not an Excel (.xlsx) file, or broken.",
        ) from error
    try:
        rows = _sheet(book, layout.sheet).iter_rows(values_only=True)
        empty = 0
        for number, cells in enumerate(rows, start=1):
            empty = 0 if any(cell is not None for cell in cells) else empty + 1
            if empty > _MOST_EMPTY:  # a row may call itself the two billionth
                raise FencunError(
                    f"{path.name} 第 {number - empty} 行后面有一万多个空行；删掉它们再存一次。",
                    f"{path.name}: more than ten thousand empty rows follow row "
                    f"{number - empty}; delete them and save it again.",
                )
            yield number, ["" if cell is None else str(cell) for cell in cells[:_MOST_COLUMNS]]
    finally:
        book.close()


def _refuse_bomb(path: Path) -> None:
    """Refuse a workbook that unpacks to more than any of ours: a small file may hold gigabytes."""
    try:
        with ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (OSError, BadZipFile):
        return  # told when it is opened
    if size > _MOST_UNPACKED:
        raise FencunError(
            f"{path.name} 解开有 {size >> 20} MiB，太大了；最多 {_MOST_UNPACKED >> 20} MiB，"
            "请另存为 CSV。",
            f"{path.name} unpacks to {size >> 20} MiB, too large (at most "
            f"{_MOST_UNPACKED >> 20}); save it as CSV.",
        )


def _sheet(book: Any, asked: str | None) -> Any:
    """Return the only sheet that holds something, or the one asked for by name."""
    names = "、".join(book.sheetnames)
    if asked is not None:
        if asked in book.sheetnames:
            return book[asked]
        raise FencunError(
            f"没有叫“{asked}”的表；有：{names}。",
            f"There is no sheet {asked!r}; there are: {names}.",
        )
    full = [
        sheet
        for sheet in book.worksheets
        if any(any(row) for row in sheet.iter_rows(max_row=_LOOKED_AT, values_only=True))
    ]
    if len(full) > 1:
        names = "、".join(sheet.title for sheet in full)
        raise FencunError(
            f"文件里有几张表：{names}。收哪一张？加 --sheet 表名。",
            f"There are several sheets: {names}. Which one? Say --sheet NAME.",
        )
    return full[0] if full else book.active


def _named_rows(
    rows: Iterator[tuple[int, Cells | RecordError]], layout: Layout
) -> Iterator[tuple[int, Json | RecordError]]:
    """Name the cells of each row by the headings; a title above them is asked about."""
    header: list[str] | None = None
    title: int | None = None
    for number, cells in rows:
        if isinstance(cells, RecordError):
            yield number, cells
        elif header is None:
            if (layout.header is None and any(map(str.strip, cells))) or number == layout.header:
                header = [cell.strip() for cell in cells[:_MOST_COLUMNS]]
                title = number if layout.header is None and sum(map(bool, header)) == 1 else None
        elif any(cell.strip() for cell in cells):
            if title and sum(bool(cell.strip()) for cell in cells) > 1:
                raise FencunError(
                    f"第 {title} 行只有一格“{''.join(header)[:20]}”，像是标题；"
                    f"第 {number} 行像是表头。对的话加 --header {number}，"
                    f"第 {title} 行就是表头的话加 --header {title}。",
                    f"Row {title} looks like a title and row {number} like the headings: "
                    f"say --header {number}, or --header {title} if they are in row {title}.",
                )
            title = None
            yield number, _named(header, cells, number)


def _named(header: Sequence[str], cells: Sequence[str], number: int) -> Json | RecordError:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        zh = f"有 {len(cells)} 格，表头只有 {len(header)} 格；正文里的逗号要放进引号。"
        return malformed(number, zh, f"{len(cells)} cells under {len(header)} headings.")
    return {name: cell for name, cell in zip(header, cells, strict=False) if name}


def malformed(number: int, zh: str, en: str) -> RecordError:
    """Return the error that says what is wrong with row ``number``."""
    return RecordError(f"第 {number} 行：{zh}", f"Row {number}: {en}", line=number)
