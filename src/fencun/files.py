"""The only writer of files: a temporary file in the same folder, fsync, replace.

A reader sees the old whole file or the new whole file, never half of one. Of an
artefact of several files the manifest is written last; without it the artefact
does not exist.
"""

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO, Any

from fencun.errors import FencunError, RecordError

Json = dict[str, Any]

_CHUNK = 1 << 20
_STALE_S = 3600
_FORMULA = tuple("=+-@＝＋－＠﹢﹣﹦﹫")
_HIDING = ("\t", "\r", "\n")  # a spreadsheet drops them, and sees what comes after


@contextmanager
def replacing(path: Path, *, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """Yield a binary file that takes the place of ``path`` when the block ends without error.

    What writers of the same file left behind when they were killed is swept away.

    Raises:
        FencunError: the disk is full or the folder cannot be written; says whether ``path``
            is as it was.
    """
    temporary, stands = None, False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # as long as it is held, nobody sweeps it away
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
            temporary.replace(path)
        stands = True
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritten(path, error, stands) from error
    finally:
        if temporary is not None and not stands:
            with suppress(OSError):  # swept later
                temporary.unlink(missing_ok=True)


def _unwritten(path: Path, error: OSError, stands: bool) -> FencunError:
    if stands:
        return FencunError(
            f"{path} 已经换成新的，但磁盘没有确认（{error.strerror}）：断电的话可能变回旧的。"
            "再运行一次就好。",
            f"{path} is the new one now, but the disk did not confirm it ({error.strerror}): "
            "after a power cut it may be the old one. Run this again.",
        )
    return FencunError(
        f"写不了 {path}：{error.strerror}。原来的文件没有动。",
        f"Cannot write {path}: {error.strerror}. What was there is untouched.",
    )


def _sweep(path: Path) -> None:
    """Remove temporary files of ``path`` that are an hour old and that no writer holds."""
    for left in path.parent.glob(f".{escape(path.name)}.????????"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime < _STALE_S:
                continue
            with left.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data``, atomically."""
    with replacing(path, mode=mode) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` by ``value`` as indented JSON, atomically; equal values give equal bytes."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_jsonl(path: Path, rows: Iterable[Json]) -> int:
    """Replace ``path`` by one compact JSON object a line, atomically; return the count."""
    count = 0
    with replacing(path) as file:
        for row in rows:
            file.write(dump_line(row))
            count += 1
    return count


def dump_line(row: Json) -> bytes:
    """Return ``row`` as one line of UTF-8 JSON, newline included."""
    return (json.dumps(row, ensure_ascii=False) + "\n").encode()


def inert(cell: str) -> str:
    """Return ``cell`` so that no spreadsheet takes it for a formula; full-width signs count too."""
    risky = cell.lstrip().startswith(_FORMULA) or cell.startswith(_HIDING)
    return f"'{cell}" if risky else cell


def read_jsonl(path: Path) -> Iterator[tuple[int, Json | RecordError]]:
    """Yield ``(line number, object)`` for every line that is not blank; lines count from 1.

    A line that is not a JSON object in UTF-8 is yielded as a :class:`RecordError`
    instead, so that one bad line never costs the good ones.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise FencunError(
            f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
        ) from error
    with file:
        yield from parse_jsonl(file)


def parse_jsonl(lines: Iterable[bytes], first: int = 1) -> Iterator[tuple[int, Json | RecordError]]:
    """Yield what :func:`read_jsonl` does of ``lines``, counted from ``first`` on."""
    for number, raw in enumerate(lines, start=first):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line.strip():
            yield number, _parse_line(line, number)


def whole_rows(path: Path) -> Iterator[tuple[int, Json]]:
    """As :func:`read_jsonl`, for files of which every line must be readable.

    Raises:
        RecordError: a line is not; names the file and the line.
    """
    for line, row in read_jsonl(path):
        if isinstance(row, RecordError):
            raise RecordError(f"{path}：{row.zh}", f"{path}: {row.en}", line=line)
        yield line, row


class TwinsError(ValueError):
    """An object of JSON tells the same key twice: only one of the two would be kept."""


def loads(text: str) -> Any:
    """Return what the JSON in ``text`` says; no object in it may tell a key twice.

    Raises:
        TwinsError: one does; says which key.
        ValueError: it is no JSON, or holds a number that no program can hold.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_without_twins)


def _without_twins(pairs: list[tuple[str, Any]]) -> Json:
    told = dict(pairs)
    if len(told) < len(pairs):
        names = [name for name, _ in pairs]
        raise TwinsError(next(name for name in names if names.count(name) > 1)[:40])
    return told


def _parse_line(raw: bytes, number: int) -> Json | RecordError:
    try:
        value = loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return RecordError(
            f"第 {number} 行不是 UTF-8 编码；如果是 GBK 文件，请先另存为 UTF-8。",
            f"Line {number} is not UTF-8; if the file is GBK, save it as UTF-8 first.",
            line=number,
        )
    except TwinsError as error:
        return RecordError(
            f"第 {number} 行把“{error}”写了两次。",
            f"Line {number} tells {str(error)!r} twice.",
            line=number,
        )
    except (ValueError, RecursionError) as error:
        too_much = "a number too long" if isinstance(error, ValueError) else "nested too deeply"
        reason = getattr(error, "msg", too_much)
        return RecordError(
            f"第 {number} 行不是合法的 JSON（{reason}）。",
            f"Line {number} is not valid JSON ({reason}).",
            line=number,
        )
    if not isinstance(value, dict):
        return RecordError(
            f"第 {number} 行应当是一个 JSON 对象。",
            f"Line {number} should be a JSON object.",
            line=number,
        )
    return value


def sha256_file(path: Path) -> str:
    """Return the hex SHA-256 of a file, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Return the hex SHA-256 of a JSON value in canonical form: the content hash of a record."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Appender:
    """Appends JSON lines to one file, on the disk before :meth:`write` returns.

    Opening cuts off a last line that a killed process left half written, and locks the file
    against a second writer. Use as a context manager.

    Raises:
        FencunError: the file cannot be written, or another process is appending to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: of a line that was refused, nothing may wait here for the next one.
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise self._failed(error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise FencunError(
                f"另一个程序正在写 {path}；等它写完，或换一个文件名。",
                f"Another process is writing {path}; wait for it or choose another file.",
            ) from error
        self._cut_torn_line()

    def write(self, *rows: Json) -> None:
        """Append ``rows``, a line each; where that fails, the file is as it was before."""
        end = self._file.seek(0, os.SEEK_END)
        try:
            left = memoryview(b"".join(map(dump_line, rows)))
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):  # else the torn line is cut off when the file is opened again
                self._file.truncate(end)
            raise self._failed(error) from error

    def __enter__(self) -> "Appender":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _cut_torn_line(self) -> None:
        size = end = self._file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _CHUNK)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)

    def _failed(self, error: OSError) -> FencunError:
        return FencunError(
            f"写不了 {self.path}：{error.strerror}。已经写下的行都还在。",
            f"Cannot write {self.path}: {error.strerror}. The lines already written are safe.",
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let nobody else into the block on ``folder`` at the same time; waits for its turn."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise FencunError(
            f"打不开 {folder}：{error.strerror}。", f"Cannot open {folder}: {error.strerror}."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
