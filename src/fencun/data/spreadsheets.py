"""Tables as they come: CSV, Excel, JSON Lines, in the encodings of this country, row by row."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from fencun.data.encoding import encoding_of
from fencun.errors import FencunError, RecordError
from fencun.extras import need
from fencun.files import Json, TwinsError, loads
from fencun.language import say

_MOST_COLUMNS = 64
_MOST_EMPTY = 10_000
_MOST_UNPACKED = 100 << 20
_LOOKED_AT = 20  # rows or lines from which is told what a file is like
_DELIMITERS = ",\t;，|"
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's own first line
# A formula with no result beside it: nobody has opened the file in Excel since it was written.
_UNRECKONED = re.compile(rb"<f[ >][^<]*</f>\s*(?:</c>|<v\s*/>|<v></v>)|<f [^<>]*/>\s*</c>")
_CHATS = ("messages", "conversations")  # a list under such a name is one row

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """Where in a file the table lies: the ``sheet`` of a workbook, the row of the headings.

    None where it is plain to see; what is not is asked about.
    """

    sheet: str | None = None
    header: int | None = None


def read_table(
    path: Path, notes: list[str], layout: SheetLayout | None = None
) -> Iterator[tuple[int, Json | RecordError]]:
    """Return the rows of ``path`` by column with their line numbers; a bad row is an error.

    ``notes`` gets what there is to tell of the file. Rows are read one at a time, but for
    those of a JSON array.

    Raises:
        FencunError: the file cannot be read, or where its table begins must be said.
    """
    layout = layout or SheetLayout()
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _named_rows(_excel(path, layout, notes), layout)
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
    encoding = encoding_of(path, notes)
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        return _json(path, encoding)
    return _named_rows(_csv(path, encoding), layout)


def _json(path: Path, encoding: str) -> Iterator[tuple[int, Json | RecordError]]:
    """Objects a line, or one array of them, however it is laid out."""
    with path.open(encoding=encoding, errors="replace", newline="\n") as file:
        while (first := file.read(1)).isspace():
            pass
    if first == "[" or path.suffix.lower() == ".json":
        try:
            text = path.read_text(encoding=encoding, errors="replace")
            whole = loads(text)
        except TwinsError as error:
            name = str(error)[:20]
            raise FencunError(
                f"{path.name} 里有一项把“{name}”写了两次。",
                f"{path.name}: an object tells {name!r} twice.",
            ) from error
        except (ValueError, RecursionError) as error:
            if first == "[":
                raise _broken_json(path, error) from error
            return _json_lines(path, encoding)
        if isinstance(whole, dict):
            ((name, value),) = whole.items() if len(whole) == 1 else (("", None),)
            whole = value if isinstance(value, list) and name not in _CHATS else [whole]
        return _objects(whole if isinstance(whole, list) else [whole])
    return _json_lines(path, encoding)


def _broken_json(path: Path, error: Exception) -> FencunError:
    where = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
    return FencunError(
        f"{path.name} 不是完整的 JSON：第 {where[0]} 行第 {where[1]} 个字符起读不下去"
        "（少了逗号、括号，或多了逗号）。改好再导入。",
        f"{path.name} is broken JSON from line {where[0]}, character {where[1]} on (a comma or a "
        "bracket is missing, or a comma is left over); mend it and import it again.",
    )


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
                value = loads(line.rstrip().rstrip(","))
                if not isinstance(value, dict):
                    raise ValueError("not an object")
            except TwinsError as error:
                name = str(error)[:20]
                yield number, malformed(number, f"“{name}”写了两次。", f"{name!r} is told twice.")
                continue
            except (ValueError, RecursionError):
                zh, en = "不是一个 JSON 对象；要一行一个。", "not a JSON object; write one a line."
                yield number, malformed(number, zh, en)
                continue
            yield number, value


def _csv(path: Path, encoding: str) -> Iterator[tuple[int, Cells | RecordError]]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        head = "".join(file.readline() for _ in range(_LOOKED_AT))
        file.seek(0)
        separator = _SEPARATOR.match(head)
        if separator:
            file.readline()
        delimiter = separator[1] if separator else max(_DELIMITERS, key=head.count)
        skipped = 1 if separator else 0
        # Strict, for a quotation mark inside quotation marks would be lost without a word.
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            number = reader.line_num + 1 + skipped
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


def _excel(
    path: Path, layout: SheetLayout, notes: list[str]
) -> Iterator[tuple[int, Cells | RecordError]]:
    need("data", "openpyxl")

    _refuse_bomb(path)
    with _workbook(path) as book:
        if _unreckoned(path):
            notes.append(
                say(
                    "有的公式没有算好的值，那些格子按空的读了；在 Excel 里打开、保存一次再导入。",
                    "Some formulas have no value; their cells are read as empty. Open and save the "
                    "file in Excel, then import it again.",
                )
            )
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


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    """Open a workbook to be read; whatever the library stumbles over is a broken file."""
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    book = None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        yield book
    except (FencunError, MemoryError):
        raise
    except Exception as error:  # a hostile or broken file: the library raises all there is
        raise FencunError(
            f"打不开 {path}：不是 Excel（.xlsx）文件，或文件坏了；Excel 打得开的话，另存为 CSV。",
            f"Cannot open {path}: not an Excel (.xlsx) file, or broken; if Excel opens it, save it "
            "as CSV.",
        ) from error
    finally:
        if book is not None:
            book.close()


def _unreckoned(path: Path) -> bool:
    """Whether a sheet has formulas without their results."""
    with ZipFile(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.startswith("xl/worksheets/"):
                continue
            rest = b""
            with archive.open(entry) as sheet:
                while data := sheet.read(1 << 20):
                    rest += data
                    if _UNRECKONED.search(rest):
                        return True
                    rest = rest[-1000:]
    return False


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
    rows: Iterator[tuple[int, Cells | RecordError]], layout: SheetLayout
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
                _refuse_twins(header, number)
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


def _refuse_twins(header: Sequence[str], number: int) -> None:
    if twins := [name for name in header if name and header.count(name) > 1]:
        name, many = twins[0][:20], header.count(twins[0])
        raise FencunError(
            f"第 {number} 行有 {many} 列都叫“{name}”；改掉多的列名再导入。",
            f"Row {number} has {many} columns called {name!r}; rename all but one.",
        )


def _named(header: Sequence[str], cells: Sequence[str], number: int) -> Json | RecordError:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        zh = f"有 {len(cells)} 格，表头只有 {len(header)} 格；正文里的逗号要放进引号。"
        return malformed(number, zh, f"{len(cells)} cells under {len(header)} headings.")
    return {name: cell for name, cell in zip(header, cells, strict=False) if name}


def malformed(number: int, zh: str, en: str) -> RecordError:
    """Return the error that says what is wrong with row ``number``."""
    return RecordError(f"第 {number} 行：{zh}", f"Row {number}: {en}", line=number)
