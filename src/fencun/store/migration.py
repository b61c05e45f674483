"""Bring a database to the schema of this program, or refuse it; a copy is kept before."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from fencun.errors import StoreError
from fencun.files import write_bytes

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x66656E63  # "fenc": the advisory lock that two starting programs share


def metadata() -> MetaData:
    """Return the metadata with every table of this package."""
    from fencun.store.ballots import PollRow
    from fencun.store.schema import Base

    assert PollRow.metadata is Base.metadata
    return Base.metadata


def revisions() -> list[str]:
    """Return the revisions that this program knows, oldest first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


def migrate(connection: Connection) -> None:
    """Upgrade the database behind ``connection`` to the newest revision, all or nothing.

    ``connection`` is inside a transaction that excludes other writers (SQLite) or takes
    an advisory lock here (PostgreSQL). A SQLite file that already holds a schema is first
    copied to ``<name>.before-<revision>.bak`` beside it.

    Raises:
        StoreError: the schema is newer than this program, or not ours.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    at = MigrationContext.configure(connection).get_current_revision()
    known = revisions()
    if at == known[-1]:
        return
    if at is not None and at not in known:
        raise StoreError(
            f"数据库的版本是 {at}，比这个程序认识的（{known[-1]}）新。请先升级 Fencun；"
            "数据没有动过。",
            f"The database is at revision {at}, newer than this program knows ({known[-1]}). "
            "Upgrade Fencun first; nothing was touched.",
        )
    if at is not None:
        _back_up(connection, known[-1])
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _back_up(connection: Connection, target: str) -> None:
    """Copy the whole SQLite database; PostgreSQL rolls its DDL back by itself."""
    if connection.dialect.name != "sqlite":
        return
    import sqlite3
    from contextlib import closing

    path = Path(str(connection.engine.url.database))
    with closing(sqlite3.connect(path)) as reader:
        copy = path.with_name(f"{path.name}.before-{target}.bak")
        write_bytes(copy, reader.serialize(), mode=0o600)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
