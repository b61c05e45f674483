"""How a file of text is encoded, told by its bytes; what is no text is refused by what it is."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from fencun.errors import FencunError
from fencun.language import say

_HEAD = 1 << 14  # bytes from which is told what a file is
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"PAR1", "Parquet", "Parquet"),
    (b"ARROW1", "Arrow/Feather", "Arrow/Feather"),
    (b"SQLite format 3\0", "SQLite 数据库", "SQLite database"),
    (b"PK\x03\x04", "ZIP 压缩包，或 Office 文件", "ZIP archive or Office"),
    (b"\xd0\xcf\x11\xe0", "旧的 Office 文件", "old Office"),
    (b"\x1f\x8b", "gzip 压缩包", "gzip archive"),
    (b"7z\xbc\xaf", "7z 压缩包", "7z archive"),
    (b"Rar!", "RAR 压缩包", "RAR archive"),
    (b"%PDF", "PDF", "PDF"),
    (b"\x89PNG", "图片", "picture"),
    (b"\xff\xd8\xff", "图片", "picture"),
)
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_RARE = 0.2  # as many characters are rare in a text that was read in a wrong encoding


def encoding_of(path: Path, notes: list[str]) -> str:
    """Return how ``path`` is to be decoded; say so in ``notes`` where it is not plain UTF-8.

    Raises:
        FencunError: it cannot be opened, is no text, or is in none of the usual encodings.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        encoding = _encoding(path, head)
        line = _undecodable(path, encoding)
    except OSError as error:
        raise FencunError(
            f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
        ) from error
    if line:
        raise FencunError(
            f"{path.name} 第 {line} 行既不是 UTF-8 也不是 GBK；请另存为 UTF-8。",
            f"{path.name} line {line} is neither UTF-8 nor GBK; save it as UTF-8.",
        )
    if encoding == "utf-8-sig":
        if head.startswith(codecs.BOM_UTF8):
            notes.append(say("文件开头有 BOM，已经略过。", "A byte order mark was skipped."))
    else:
        shown = {"gb18030": "GBK", "big5": "Big5"}.get(encoding, encoding.upper())
        notes.append(
            say(f"文件是 {shown} 编码，已经按它读了。", f"The file is {shown}; read as such.")
        )
    return encoding


def _encoding(path: Path, head: bytes) -> str:
    for mark, zh, en in _KINDS:
        if head.startswith(mark):
            raise FencunError(
                f"{path.name} 不是文本，是 {zh}；请另存为 CSV、Excel（.xlsx）或 JSONL。",
                f"{path.name} is no text but a {en} file; save it as CSV, Excel (.xlsx) or JSONL.",
            )
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    zeros = head[::2].count(0), head[1::2].count(0)
    if sum(zeros) <= len(head) // 5 and not _undecodable(path, "utf-8"):
        return "utf-8-sig"
    if any(zeros):
        return _wide(path, zeros)
    return "big5" if _is_big5(path, head) else "gb18030"


def _wide(path: Path, zeros: tuple[int, int]) -> str:
    """Return which UTF-16 it is without a mark: the zeros of commas stand last or first."""
    encoding = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    if min(zeros) * 4 > max(zeros) or _undecodable(path, encoding):
        raise FencunError(
            f"{path.name} 不是文本；请另存为 UTF-8 的 CSV 或 JSONL。",
            f"{path.name} is no text; save it as CSV or JSONL in UTF-8.",
        )
    return encoding


def _undecodable(path: Path, encoding: str) -> int:
    """Return the first line that is not in ``encoding``, from 1; 0 where all are."""
    number = 1
    try:
        for text in _pieces(path, encoding):
            number += text.count("\n")
    except UnicodeDecodeError as error:
        decoded = error.object[: error.start].decode(encoding, "replace")
        return number + decoded.count("\n")
    return 0


def _pieces(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        while data := file.read(1 << 16):
            yield decoder.decode(data)
        yield decoder.decode(b"", final=True)


def _is_big5(path: Path, head: bytes) -> bool:
    """Whether it is Big5 (traditional) rather than GBK: most bytes are right in either."""
    text = head.decode("gb18030", "ignore")
    strange = sum(_is_rare(char, "gb2312") for char in text if not char.isascii())
    if strange < _RARE * sum(not char.isascii() for char in text) or _undecodable(path, "big5"):
        return False
    told = [char for char in head.decode("big5", "ignore") if not char.isascii()]
    # Up to C6 7E are the 5,401 characters in common use, and the punctuation before them.
    return sum(char.encode("big5", "ignore") > b"\xc6\x7e" for char in told) < _RARE * len(told)


def _is_rare(char: str, encoding: str) -> bool:
    """Whether ``char`` is none of the punctuation and first-level characters of ``encoding``."""
    told = char.encode(encoding, "ignore")
    return not told or not (told < b"\xa4" or b"\xb0" <= told[:1] < b"\xd8")
