"""Real messages as they come: a table, a chat export, or a file with a message a line."""

import re
from collections.abc import Iterator
from pathlib import Path

from fencun.data.privacy import mask
from fencun.data.spreadsheets import read_table
from fencun.errors import FencunError, RecordError
from fencun.files import Json

FEWEST, MOST = 20, 200
_LONGEST = 600  # characters of a message that are read
_NAMES = ("text", "正文", "内容", "消息", "消息内容", "回复", "message", "content", "strcontent")
# The line above a message in what chat programs export: a name, a time, or both.
_TIME = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ T]\d{1,2}:\d{2}(?::\d{2})?"
_HEAD = re.compile(
    rf"^\s*(?:\[?{_TIME}\]?\s*[^:：]{{0,40}}|.{{1,40}}?\s+\[?{_TIME}\]?)\s*[:：]?\s*$"
)
_LEAD = re.compile(rf"^\s*\[?{_TIME}\]?\s*[^:：\s]{{1,24}}[:：]\s*(?=\S)")  # 时间 名字：话
_NOTHING = re.compile(r"^\s*(?:\[[^\]]{1,8}\]|<[^>]{1,12}>|\W*)\s*$")  # [图片], an emoji


def read_messages(path: Path, notes: list[str], *, column: str = "") -> list[str]:
    """Return up to 200 messages of ``path``, spread over the file, private data masked.

    ``.csv``, ``.xlsx``, ``.jsonl`` and ``.json`` are tables, of which ``column`` (default: the one
    that is called or looks like it) is read; any other file is a chat export, or a message a
    line. ``notes`` gets what there is to tell of the file.

    Raises:
        FencunError: the file cannot be read, has no such column, or fewer than 20 messages.
    """
    table = path.suffix.lower() in (".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".jsonl", ".json")
    found = _of_table(path, notes, column) if table else _of_chat(path)
    said = dict.fromkeys(mask(" ".join(text.split())[:_LONGEST]) for text in found)
    messages = [text for text in said if text and not _NOTHING.match(text)]
    if len(messages) < FEWEST:
        raise FencunError(
            f"{path} 里只认出 {len(messages)} 条不同的消息，至少要 {FEWEST} 条；"
            "表格可以用 --column 说是哪一列。",
            f"{path} holds {len(messages)} different messages, and it takes {FEWEST}; "
            "of a table, name the column with --column.",
        )
    step = max(1.0, len(messages) / MOST)
    return [messages[int(at * step)] for at in range(min(MOST, len(messages)))]


def _of_table(path: Path, notes: list[str], column: str) -> Iterator[str]:
    rows = [row for _, row in read_table(path, notes) if not isinstance(row, RecordError)]
    chosen = column or _column(rows)
    if rows and chosen not in rows[0]:
        raise FencunError(
            f"{path} 里没有“{chosen}”这一列；有：{'、'.join(map(str, rows[0]))}。",
            f"{path} has no column {chosen!r}; there are: {', '.join(map(str, rows[0]))}.",
        )
    return (str(row.get(chosen) or "") for row in rows)


def _column(rows: list[Json]) -> str:
    """Return the column of the messages: by its name, else the one with the longest cells."""
    columns = list(rows[0]) if rows else []
    named = [name for name in columns if str(name).strip().casefold() in _NAMES]
    if named or not columns:
        return str(named[0]) if named else ""
    return max(columns, key=lambda name: sum(len(str(row.get(name) or "")) for row in rows))


def _of_chat(path: Path) -> Iterator[str]:
    """Yield what stands between the lines that say who spoke when; else each line for itself."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FencunError(
            f"读不了 {path}：要 UTF-8 的文字、CSV 或 Excel。",
            f"Cannot read {path}: it takes text in UTF-8, CSV or Excel.",
        ) from error
    if not any(_HEAD.match(line) for line in lines):
        yield from (_LEAD.sub("", line) for line in lines)
        return
    held: list[str] = []
    for line in lines:
        if _HEAD.match(line):
            yield " ".join(held)
            held = []
        else:
            held.append(line)
    yield " ".join(held)
