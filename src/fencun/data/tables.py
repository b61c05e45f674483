"""Tables as they come: CSV, Excel, JSON Lines, in the encodings of this country, row by row."""

import codecs
import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import BadZipFile

from fencun.errors import FencunError, RecordError
from fencun.extras import need
from fencun.files import Json
from fencun.language import say

_MOST_COLUMNS = 64
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_table(path: Path, notes: list[str]) -> Iterator[tuple[int, Json | RecordError]]:
    """Return the rows of ``path`` by column with their line numbers; a bad row is an error.

    ``notes`` gets what there is to tell of the file. Rows are read one at a time.

    Raises:
        FencunError: the file cannot be read.
    """
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _excel(path)
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
        return _json_lines(path, encoding)
    return _csv(path, encoding)


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


def _csv(path: Path, encoding: str) -> Iterator[tuple[int, Json | RecordError]]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        head = file.readline()
        file.seek(0)
        reader = csv.reader(file, delimiter=max(",\t;，", key=head.count))
        header: list[str] | None = None
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield number, malformed(number, f"CSV 读不了（{error}）。", f"bad CSV ({error}).")
                continue
            if cells is None:
                return
            if header is None:
                header = _header(cells)
            elif any(cell.strip() for cell in cells):
                yield number, _named(header, cells, number)


def _excel(path: Path) -> Iterator[tuple[int, Json | RecordError]]:
    need("data", "openpyxl")
    from openpyxl import load_workbook  # type: ignore[import-untyped]

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
        return malformed(number, zh, f"{len(cells)} cells under {len(header)} headings.")
    return {name: cell for name, cell in zip(header, cells, strict=False) if name}


def malformed(number: int, zh: str, en: str) -> RecordError:
    """Return the error that says what is wrong with row ``number``."""
    return RecordError(f"第 {number} 行：{zh}", f"Row {number}: {en}", line=number)
