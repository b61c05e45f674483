"""The store: transactions, one writer, concurrent reads, errors that a person can read."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from fencun.errors import StoreError
from fencun.store.database import Store, database_url
from fencun.store.schema import WritingRow
from fencun.store.writings import new_id


def row(owner: str = "", identity: str | None = None) -> WritingRow:
    return WritingRow(
        id=identity or new_id(), owner=owner, source="api", scenario="s", asked={"a": "“甲”"},
        brief={}, arm="prompt", model="m", seed=2**40, decoding={"temperature": 0.7},
    )  # fmt: skip


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(WritingRow)) or 0


def test_the_default_is_a_file_under_home(own_home: Path) -> None:
    assert database_url() == f"sqlite:///{own_home / 'fencun.db'}"
    with Store() as store:
        store.write(lambda session: session.add(row()))
    assert (own_home / "fencun.db").is_file()


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


def test_sqlite_keeps_a_write_ahead_log_and_its_foreign_keys(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        settings = {
            name: store.read(lambda session, name=name: session.scalar(text(f"PRAGMA {name}")))
            for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    assert settings == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "fencun.db"
    path.write_bytes("这不是数据库".encode() * 100)
    with pytest.raises(StoreError, match="打不开数据库"):
        Store(f"sqlite:///{path}")
    assert path.read_bytes() == "这不是数据库".encode() * 100


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="打不开数据库"):
        Store(f"sqlite:///{tmp_path / 'file' / 'fencun.db'}")


@pytest.mark.parametrize("url", ["mysql://a@b/c", "sqlite://", "not a url", "postgresql://host"])
def test_an_unusable_url_is_told(url: str) -> None:
    with pytest.raises(StoreError):
        Store(url)


def test_no_password_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_DATABASE_URL", "postgresql://me:s3cret@127.0.0.1:1/none")
    with pytest.raises(StoreError) as failed:
        Store()
    assert "s3cret" not in failed.value.zh + failed.value.en
    assert "127.0.0.1" in failed.value.zh


def test_a_database_held_by_somebody_else_is_told_and_unharmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fencun.store.database._BUSY_S", 0.1)
    path = tmp_path / "fencun.db"
    with Store(f"sqlite:///{path}") as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked"):
                store.write(lambda session: session.add(row()))
            other.execute("ROLLBACK")
        store.write(lambda session: session.add(row()))
        assert store.read(count) == 1
