"""Every call of the system that ``files.py`` makes fails in turn: what stands can be read."""

import errno
import io
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fencun import files
from fencun.errors import FencunError

torch = pytest.importorskip("torch")

from fencun.tune.runs.checkpoint import (  # noqa: E402
    Checkpoint,
    newest_checkpoint,
    save_checkpoint,
)

FAILURES = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, "short")
CALLS = ("mkstemp", "write", "fsync", "fchmod", "replace", "open", "mkdir")
Failure = int | str


class Failing:
    """Lets the ``n``-th call of the system fail, and counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, failure: Failure) -> None:
        self.seen: list[str] = []
        self._at, self._failure = at, failure
        self._patch = monkeypatch
        self._wrap(files.tempfile, "mkstemp", "mkstemp")
        self._wrap(files.os, "fsync", "fsync")
        self._wrap(files.os, "fchmod", "fchmod")
        self._wrap(files.os, "open", "open")
        self._wrap(files.Path, "replace", "replace")
        self._wrap(files.Path, "mkdir", "mkdir")
        real = os.fdopen
        monkeypatch.setattr(files.os, "fdopen", lambda fd, mode: self._file(real(fd, "wb", 0)))

    def _wrap(self, owner: Any, name: str, told: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._meet(told)
            return real(*arguments, **options)

        self._patch.setattr(owner, name, call)

    def _meet(self, told: str) -> bool:
        """Count a call; raise if it is the one that fails. True where it only does half."""
        self.seen.append(told)
        if len(self.seen) != self._at:
            return False
        if self._failure == "short":
            return True
        assert isinstance(self._failure, int)
        raise OSError(self._failure, os.strerror(self._failure))

    def _file(self, raw: Any) -> io.BufferedWriter:
        failing = self

        class Raw(io.RawIOBase):
            def writable(self) -> bool:
                return True

            def write(self, data: Any) -> int:
                half = failing._meet("write")
                return int(raw.write(bytes(data)[: max(1, len(data) // 2)] if half else data))

            def fileno(self) -> int:
                return int(raw.fileno())

            def close(self) -> None:
                raw.close()
                super().close()

        return io.BufferedWriter(Raw(), 1 << 12)


def checkpoint(step: int) -> Checkpoint:
    tensors = {"a": torch.full((64, 64), float(step)), "b": torch.arange(step, step + 9)}
    return Checkpoint(step, tensors, {"seen": step})


def write_twice(folder: Path) -> None:
    files.write_json(folder / "a.json", {"version": 2})
    files.write_jsonl(folder / "b.jsonl", ({"version": 2, "n": n} for n in range(400)))


def json_stands(folder: Path) -> None:
    """What was written before stands, or what was to be written: never half of it."""
    assert json.loads((folder / "a.json").read_text()) in ({"version": 1}, {"version": 2})
    rows = [row for _, row in files.whole_rows(folder / "b.jsonl")]
    assert rows in ([{"version": 1}], [{"version": 2, "n": n} for n in range(400)])


def checkpoint_stands(folder: Path) -> None:
    """The newest checkpoint that is whole is the one before, or this one, to the last number."""
    found = newest_checkpoint(folder)
    assert found is not None
    assert found.step in (1, 2)
    expected = checkpoint(found.step)
    assert found.progress == expected.progress
    assert all(torch.equal(found.tensors[name], whole) for name, whole in expected.tensors.items())


def before_json(folder: Path) -> None:
    files.write_json(folder / "a.json", {"version": 1})
    files.write_jsonl(folder / "b.jsonl", [{"version": 1}])


Step = Callable[[Path], object]
WRITERS: dict[str, tuple[Step, Step, Step]] = {
    "files": (before_json, write_twice, json_stands),
    "checkpoint": (
        lambda folder: save_checkpoint(folder, checkpoint(1)),
        lambda folder: save_checkpoint(folder, checkpoint(2)),
        checkpoint_stands,
    ),
}


def refusal(write: Step, folder: Path) -> str:
    """Return how the writer says that it failed; empty if it did not."""
    try:
        write(folder)
    except FencunError as error:
        return error.en
    return ""


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failed_write_leaves_what_cannot_be_read(
    tmp_path: Path, writer: str, failure: Failure
) -> None:
    before, write, stands = WRITERS[writer]
    failed = 0
    for at in itertools.count(1):
        folder = tmp_path / str(at)
        before(folder)
        with pytest.MonkeyPatch.context() as patch:
            system = Failing(patch, at, failure)
            told = refusal(write, folder)
        assert not told or "untouched" in told or "is the new one now" in told, told
        failed += bool(told)
        stands(folder)
        left = [path.name for path in folder.rglob(".*") if path.is_file()]
        assert left == [], "a temporary file was left behind"
        if len(system.seen) < at:
            assert set(system.seen) == set(CALLS)
            break
    assert failed == (0 if failure == "short" else at - 1)
