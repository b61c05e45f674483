"""Migrations: the schema they build is the schema of the code; a newer one is refused."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from fencun.errors import StoreError
from fencun.store import migration
from fencun.store.database import Store


def at(store: Store) -> str | None:
    return store.read(
        lambda session: session.scalar(text("SELECT version_num FROM alembic_version"))
    )


def test_revisions_are_numbered_and_linear() -> None:
    revisions = migration.revisions()
    assert revisions == [f"{number:04d}" for number in range(1, len(revisions) + 1)]
    names = sorted(path.stem for path in (migration.FOLDER / "versions").glob("*.py"))
    assert [name[:4] for name in names] == revisions


def test_migrations_build_what_the_code_declares(database: str) -> None:
    with Store(database) as store:
        differences = store.read(
            lambda session: compare_metadata(
                MigrationContext.configure(session.connection(), opts={"compare_type": True}),
                migration.metadata(),
            )
        )
        assert at(store) == migration.revisions()[-1]
    assert differences == []


def test_every_migration_can_be_taken_back(database: str) -> None:
    with Store(database) as store, store._writer.begin() as connection:
        config = migration._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
        command.upgrade(config, "head")
        assert "writings" in inspect(connection).get_table_names()


def test_a_newer_schema_is_refused_and_untouched(database: str) -> None:
    with Store(database) as store:
        store.write(
            lambda session: session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        )
    with pytest.raises(StoreError, match="9999") as refused:
        Store(database)
    assert "升级" in refused.value.zh
    assert "newer" in refused.value.en


def test_a_copy_is_kept_before_an_old_schema_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fencun.db"
    with Store(f"sqlite:///{path}"):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE precious (vote TEXT)")
        connection.execute("INSERT INTO precious VALUES ('甲')")
    real = migration.revisions()
    monkeypatch.setattr(migration, "revisions", lambda: [*real, "next"])
    monkeypatch.setattr(migration.command, "upgrade", lambda config, target: None)
    with Store(f"sqlite:///{path}"):
        pass
    copy = tmp_path / "fencun.db.before-next.bak"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT vote FROM precious").fetchall() == [("甲",)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_migration_that_fails_changes_nothing(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = command.upgrade

    def failing(config: object, target: str) -> None:
        real(config, target)  # type: ignore[arg-type]
        raise StoreError("演练", "drill")

    monkeypatch.setattr(migration.command, "upgrade", failing)
    with pytest.raises(StoreError, match="演练"):
        Store(database)
    monkeypatch.undo()
    with Store(database) as store:
        assert at(store) == migration.revisions()[-1]


def test_two_programs_that_start_at_once_migrate_once(database: str) -> None:
    def start(_number: int) -> str | None:
        with Store(database) as store:
            return at(store)

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(start, range(6))) == {migration.revisions()[-1]}
