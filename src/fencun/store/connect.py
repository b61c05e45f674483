"""Which database, and how a connection to it is set up."""

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from fencun.errors import StoreError
from fencun.extras import how_to_install
from fencun.home import home

# What PostgreSQL is told: a server of ours that is frozen gives its locks back, one that is cut
# off is noticed, and nobody waits for a lock for ever.
_SERVER = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "options": "-c lock_timeout=30s -c idle_in_transaction_session_timeout=60s",
}
_LOOK_S = 1.0  # how long SQLite itself waits for a lock before the store looks at its deadline


def database_url() -> str:
    """Return ``FENCUN_DATABASE_URL``, or the SQLite file under ``FENCUN_HOME``."""
    return os.environ.get("FENCUN_DATABASE_URL") or f"sqlite:///{home() / 'fencun.db'}"


def parse_url(text: str) -> URL:
    """Return the URL of a database that is supported.

    Raises:
        StoreError: it is malformed, or of another kind.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StoreError(
            "FENCUN_DATABASE_URL 看不懂；应当像 postgresql://用户:密码@主机/库名，"
            "或 sqlite:////绝对路径.db。",
            "FENCUN_DATABASE_URL is malformed; it looks like postgresql://user:password@host/name "
            "or sqlite:////absolute/path.db.",
        ) from error
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("postgresql", "sqlite") or not url.database:
        raise StoreError(
            f"只支持 SQLite 文件和 PostgreSQL，不支持 {url.drivername}。",
            f"Only SQLite files and PostgreSQL are supported, not {url.drivername}.",
        )
    return url


def open_engine(url: URL, *, writes: bool, readers: int = 1) -> Engine:
    """Return an engine on ``url``; of SQLite, the file is there and its owner's alone.

    Raises:
        StoreError: the driver is missing, or the file cannot be made.
    """
    try:
        if url.get_backend_name() == "sqlite":
            _make_private(Path(str(url.database)).expanduser())
        engine = create_engine(
            url,
            json_serializer=_dump,
            pool_pre_ping=True,
            pool_size=readers,
            max_overflow=2,
            connect_args=_SERVER if url.get_backend_name() == "postgresql" else {},
        )
    except ImportError as error:
        raise StoreError(
            f"用 PostgreSQL 要先装驱动：{how_to_install('postgresql')}",
            f"PostgreSQL needs its driver: {how_to_install('postgresql')}",
        ) from error
    except OSError as error:
        raise not_opened(url, error) from error
    if url.get_backend_name() == "sqlite":
        _tune_sqlite(engine, writes=writes)
    return engine


def _make_private(path: Path) -> None:
    """Have the file there before SQLite makes it, readable by its owner only.

    It holds what people told of others, and the keys of raters. The files beside it (``-wal``,
    ``-shm``) get the mode that it has.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(OSError):  # not ours: then it is not ours to close either
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                file.chmod(0o600)


def _tune_sqlite(engine: Engine, *, writes: bool) -> None:
    """Take transactions out of the driver's hands: a writer locks when it begins."""

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={int(_LOOK_S * 1000)}",
            "journal_mode=WAL",
            "synchronous=FULL",  # a vote that was acknowledged survives a power cut
            "foreign_keys=ON",
            f"query_only={'OFF' if writes else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def reason(error: Exception) -> str:
    """Return what the database said, in one line."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return " ".join(str(cause).split())[:200]


def is_away(error: Exception) -> bool:
    """Whether the server of a database is not there or went away; SQLite has none.

    A transaction that was not committed by then is one that never was.
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", "") is None


def is_held(error: Exception) -> bool:
    """Whether another server held what was wanted for too long, or each wanted the other's."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state in ("55P03", "40P01")  # lock_not_available, deadlock_detected


def not_opened(url: URL, error: Exception) -> StoreError:
    """Return the error for a database that cannot be opened; the password is not in it."""
    where = url.render_as_string(hide_password=True)
    return StoreError(
        f"打不开数据库 {where}：{reason(error)}。",
        f"Cannot open the database {where}: {reason(error)}.",
    )
