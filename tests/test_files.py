import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
from full_disk import full_disk

from fencun import files
from fencun.errors import FencunError, RecordError
from fencun.files import Appender, inert, read_jsonl, replacing, write_json, write_jsonl, write_text


def test_a_written_file_holds_what_was_given_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "a.txt", "过年好\n")
    assert (tmp_path / "deep" / "a.txt").read_text() == "过年好\n"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.txt"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(FencunError), replacing(path) as file:
        _fail_half_way(file)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _fail_half_way(file: IO[bytes]) -> None:
    file.write(b"half")
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_full_disk_is_told_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(FencunError, match="原来的文件没有动"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_equal_values_give_equal_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"名": [1, 2]})
    write_json(tmp_path / "b", {"名": [1, 2]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_bad_lines_are_named_and_cost_no_good_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"id": 1}\n\n{"id": 2\n'
        + '{"id": "拜年"}\n'.encode("gbk")
        + b"[1]\n"
        + b"[" * 100_000
        + b'\n{"id": 3}'
    )
    rows = list(read_jsonl(path))
    assert [line for line, _ in rows] == [1, 3, 4, 5, 6, 7]
    good = [row for _, row in rows if not isinstance(row, RecordError)]
    assert good == [{"id": 1}, {"id": 3}]
    told = [str(row) for _, row in rows if isinstance(row, RecordError)]
    assert "第 3 行" in told[0]
    assert "GBK" in told[1]
    assert "对象" in told[2]
    assert "第 6 行" in told[3]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FencunError, match="打不开"):
        list(read_jsonl(tmp_path / "none.jsonl"))


@pytest.mark.parametrize("torn", [b"", b'{"id": "half', b"x" * (3 << 20)])
def test_an_appender_cuts_off_a_torn_line(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "out.jsonl"
    write_jsonl(path, [{"id": "a"}])
    path.write_bytes(path.read_bytes() + torn)
    with Appender(path) as appender:
        appender.write({"id": "b"})
    assert [row for _, row in read_jsonl(path)] == [{"id": "a"}, {"id": "b"}]


def test_only_one_process_appends_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    code = (
        "import sys, pathlib, fencun.files as f; f.Appender(pathlib.Path(sys.argv[1])).__exit__()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with Appender(path):
        other = subprocess.run(command, capture_output=True, text=True)
    assert other.returncode != 0
    assert "另一个程序正在写" in other.stderr
    assert subprocess.run(command, check=False).returncode == 0


def test_a_folder_that_does_not_sync_is_not_told_as_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def refuses(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files, "_sync_folder", refuses)
    with pytest.raises(FencunError, match="已经换成新的") as failed:
        write_text(path, "new")
    assert "untouched" not in failed.value.en
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_writers_left_is_swept_and_living_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a[1].txt"
    code = (
        "import os, pathlib, sys, fencun.files as f\n"
        "with f.replacing(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -9
    [left] = tmp_path.iterdir()
    write_text(path, "young ones stay")
    assert left.exists()
    os.utime(left, (0, 0))
    with replacing(path) as file:
        file.write(b"held")
        [mine] = [entry for entry in tmp_path.iterdir() if entry not in (path, left)]
        os.utime(mine, (0, 0))
        write_text(path, "in between")
        assert mine.exists()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "held"


@pytest.mark.parametrize("whole", [0, 5, 15])
def test_a_line_that_was_refused_is_not_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """The disk is full for two lines, in the middle of one or at its sync; then there is room."""
    path = tmp_path / "out.jsonl"
    with Appender(path) as appender:
        appender.write({"id": "a"})
        with full_disk(path.stat().st_size + whole), pytest.raises(FencunError, match="写不了"):
            appender.write({"id": "b"}, {"id": "not b"})
        appender.write({"id": "b"})

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as broken:
            broken.setattr(files.os, "fsync", full)
            with pytest.raises(FencunError, match="写不了"):
                appender.write({"id": "c"})
        appender.write({"id": "c"})
    assert [row for _, row in read_jsonl(path)] == [{"id": "a"}, {"id": "b"}, {"id": "c"}]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\n=1", " \t=1", "\r=1", "＝1", "＋1", "－1", "＠x", "\n好"]
)
def test_no_cell_is_taken_for_a_formula(cell: str) -> None:
    assert inert(cell) == f"'{cell}"
    assert inert(f"好{cell}") == f"好{cell}"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"id": "a", "text": "x", "id": "b"}', "“id”写了两次"),
        ('{"a": {"b": 1, "b": 1}}', "“b”写了两次"),
        ('{"id": ' + "9" * 5000 + "}", "a number too long"),
        ('{"id": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_cannot_be_kept_whole_costs_no_other(
    tmp_path: Path, line: str, told: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": "ok"}}\n{line}\n{{"id": "too"}}\n', "utf-8")
    first, bad, last = [row for _, row in read_jsonl(path)]
    assert (first, last) == ({"id": "ok"}, {"id": "too"})
    assert isinstance(bad, RecordError)
    assert told in bad.zh
