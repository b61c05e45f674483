"""How a file of text is encoded: told by its bytes, or refused by what it is."""

import gzip
from pathlib import Path

import pytest

from fencun.data.encoding import encoding_of
from fencun.errors import FencunError

SIMPLIFIED = "称呼,正文\n老周,老周，树还在，给你拜年，少熬夜。\n"
TRADITIONAL = "稱呼,正文\n老周,老周，樹還在，給你拜年，少熬夜，萬事順遂。\n"


@pytest.mark.parametrize(
    ("text", "written", "read"),
    [
        (SIMPLIFIED, "utf-8", "utf-8-sig"),
        (SIMPLIFIED, "gbk", "gb18030"),
        (TRADITIONAL, "gbk", "gb18030"),
        (TRADITIONAL, "big5", "big5"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (SIMPLIFIED, "utf-16-le", "utf-16-le"),
        (SIMPLIFIED, "utf-16-be", "utf-16-be"),
        ("text\nhello\n", "utf-16-le", "utf-16-le"),
        (SIMPLIFIED, "utf-32", "utf-32"),
    ],
)
def test_what_was_written_is_read(tmp_path: Path, text: str, written: str, read: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(written))
    notes: list[str] = []
    assert encoding_of(path, notes) == read
    assert path.read_text(read) == text
    assert bool(notes) is (written != "utf-8")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PAR1" + bytes(90) + b"PAR1", "Parquet"),
        (b"ARROW1\0\0" + bytes(9), "Arrow"),
        (b"%PDF-1.7\n%", "PDF"),
        (gzip.compress(SIMPLIFIED.encode(), mtime=0), "gzip"),
        (b"PK\x03\x04" + bytes(30), "ZIP"),
        (bytes(range(256)) * 20, "不是文本"),
    ],
)
def test_what_is_no_text_is_told_by_what_it_is(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(FencunError, match=kind):
        encoding_of(path, [])


def test_the_line_that_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("称呼\n老周\n".encode() + b"\xff\xfe\xfd\n")
    with pytest.raises(FencunError, match="第 3 行"):
        encoding_of(path, [])
