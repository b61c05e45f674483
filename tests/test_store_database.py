"""The store: transactions, one writer, concurrent reads, errors that a person can read."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from store_case import row

from fencun.errors import StoreError
from fencun.store.database import ConflictError, Store, StoreBusyError, UnstorableError
from fencun.store.schema import WritingRow


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(WritingRow)) or 0


def test_what_is_written_is_there_after_reopening(database: str) -> None:
    kept = row()
    with Store(database) as store:
        store.write(lambda session: session.add(kept))
    with Store(database) as store:
        found = store.read(lambda session: session.get(WritingRow, kept.id))
    assert found is not None
    assert found.asked == {"a": "“甲”"}
    assert found.seed == 2**40
    assert found.created_at.utcoffset() is not None
    assert found.created_at == kept.created_at


def test_a_write_that_raises_leaves_nothing(database: str) -> None:
    def half(session: Session) -> None:
        session.add(row())
        session.flush()
        raise RuntimeError("half-way")

    with Store(database) as store:
        with pytest.raises(RuntimeError, match="half-way"):
            store.write(half)
        assert store.read(count) == 0
        store.write(lambda session: session.add(row()))
        assert store.read(count) == 1


def test_a_read_cannot_change_anything(database: str) -> None:
    def sneak(session: Session) -> None:
        session.add(row())
        session.flush()

    with Store(database) as store:
        if database.startswith("sqlite"):
            with pytest.raises(StoreError):
                store.read(sneak)
        else:
            store.read(sneak)
        assert store.read(count) == 0


def test_many_threads_write_without_losing_one(database: str) -> None:
    with Store(database) as store:
        writers: set[str] = set()

        def add(session: Session) -> None:
            writers.add(threading.current_thread().name)
            session.add(row())

        threads = [
            threading.Thread(target=lambda: [store.write(add) for _ in range(10)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.read(count) == 80
        assert len(writers) == 1


async def test_writes_from_an_event_loop_keep_their_order(database: str) -> None:
    order: list[int] = []
    with Store(database) as store:
        await asyncio.gather(
            *(
                store.awrite(lambda session, number=number: order.append(number))
                for number in range(30)
            )
        )
        assert await store.aread(count) == 0
    assert order == list(range(30))


def test_a_reader_sees_the_last_commit_while_a_write_is_under_way(database: str) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        session.add(row())
        session.flush()
        inside.set()
        assert go_on.wait(10)

    with Store(database) as store:
        writing = threading.Thread(target=lambda: store.write(slow))
        writing.start()
        assert inside.wait(10)
        assert store.read(count) == 0
        go_on.set()
        writing.join()
        assert store.read(count) == 1


def test_two_programs_share_one_database(database: str) -> None:
    with Store(database) as one, Store(database) as other:
        for _ in range(10):
            one.write(lambda session: session.add(row()))
            other.write(lambda session: session.add(row()))
        assert one.read(count) == other.read(count) == 20


def test_closing_finishes_what_is_queued(database: str) -> None:
    store = Store(database)
    threads = [
        threading.Thread(target=lambda: store.write(lambda session: session.add(row())))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    store.close()
    with Store(database) as again:
        assert again.read(count) == 20


def test_a_database_held_by_somebody_else_is_told_and_unharmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fencun.store.database._PATIENCE_S", 0.1)
    path = tmp_path / "fencun.db"
    with Store(f"sqlite:///{path}") as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusyError, match="locked"):
                store.write(lambda session: session.add(row()))
            other.execute("ROLLBACK")
        store.write(lambda session: session.add(row()))
        assert store.read(count) == 1


def test_what_is_queued_waits_together_and_is_written_when_the_lock_goes(tmp_path: Path) -> None:
    path = tmp_path / "fencun.db"
    with Store(f"sqlite:///{path}") as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with ThreadPoolExecutor(12) as pool:
                waiting = [
                    pool.submit(store.write, lambda session: session.add(row())) for _ in range(12)
                ]
                time.sleep(2.5)  # longer than SQLite itself waits
                assert not any(one.done() for one in waiting)
                other.execute("ROLLBACK")
                assert [one.result() for one in waiting] == [None] * 12
        assert store.read(count) == 12


def test_those_who_waited_in_vain_are_told_at_once_not_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fencun.db"
    with (
        Store(f"sqlite:///{path}") as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        monkeypatch.setattr("fencun.store.connect._LOOK_S", 0.05)
        monkeypatch.setattr("fencun.store.database._PATIENCE_S", 1.5)
        other.execute("BEGIN IMMEDIATE")
        attempts: list[object] = []
        real = store._begun
        monkeypatch.setattr(store, "_begun", lambda end: (attempts.append(end), real(end))[1])
        with ThreadPoolExecutor(12) as pool:
            waiting = [
                pool.submit(store.write, lambda session: session.add(row())) for _ in range(12)
            ]
            failed = [one.exception() for one in waiting]
        assert all(isinstance(error, StoreBusyError) for error in failed)
        deadlines = [end for end in attempts if isinstance(end, float)]
        assert max(deadlines) - min(deadlines) < 1.5  # all end with the first, none waits anew
        other.execute("ROLLBACK")
        assert store.read(count) == 0


def test_a_write_the_disk_did_not_sync_is_not_found_there_after_a_kill(tmp_path: Path) -> None:
    """The log holds the whole transaction when its sync fails; it must not come back."""
    shim = tmp_path / "shim.so"
    source = tmp_path / "shim.c"
    source.write_text(SHIM.replace("SWITCH", str(tmp_path / "full")))
    if shutil.which("gcc") is None:
        pytest.skip("no C compiler")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim), str(source)], check=True)
    told = subprocess.run(
        [sys.executable, "-c", VICTIM, str(tmp_path)],
        env={**os.environ, "LD_PRELOAD": str(shim)}, capture_output=True, text=True,
    )  # fmt: skip
    assert told.returncode == -9, told.stderr
    said = told.stdout.split()
    with Store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        kept = {
            identity
            for identity in ("passing", "lasting")
            if store.read(lambda session, i=identity: session.get(WritingRow, i))
        }
    # The first failure was told as certain: then it must be gone. The last could not be.
    assert said == ["passing:untouched", "lasting:unsure"]
    assert "passing" not in kept


SHIM = """
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
static int full(void) { return access("SWITCH", F_OK) == 0; }
int fsync(int fd) { if (full()) { errno = ENOSPC; return -1; } return syscall(SYS_fsync, fd); }
int fdatasync(int fd) {
  if (full()) { unlink("SWITCH.once") == 0 ? unlink("SWITCH") : 0; errno = ENOSPC; return -1; }
  return syscall(SYS_fdatasync, fd);
}
"""
VICTIM = """
import os, pathlib, sys
from fencun.errors import StoreError
from fencun.store.database import Store
from fencun.store.schema import WritingRow
folder = pathlib.Path(sys.argv[1])
store = Store(f"sqlite:///{folder / 'a.db'}")
for name in ("passing", "lasting"):
    if name == "passing":
        (folder / "full.once").touch()
    (folder / "full").touch()
    row = WritingRow(id=name, source="api", scenario="s", asked={}, brief={}, arm="p", model="m",
                     seed=1, decoding={})
    try:
        store.write(lambda session: session.add(row))
        told = "written"
    except StoreError as error:
        told = "untouched" if "untouched" in error.en else "unsure"
    print(f"{name}:{told}", flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("value", [2**63, "half \ud800 a character"])
def test_what_no_database_holds_is_told(database: str, value: object) -> None:
    bad = row()
    if isinstance(value, int):
        bad.seed = value
    else:
        bad.source = str(value)
    with Store(database) as store:
        with pytest.raises(UnstorableError):
            store.write(lambda session: session.add(bad))
        kept = row()
        store.write(lambda session: session.add(kept))
        again = row(identity=kept.id)
        with pytest.raises(ConflictError):
            store.write(lambda session: session.add(again))
        assert store.read(count) == 1
