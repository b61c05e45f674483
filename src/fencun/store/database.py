"""The one way into the database: concurrent reads, and one thread that writes."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from fencun.errors import FencunError, StoreError
from fencun.home import home
from fencun.store.migration import migrate

T = TypeVar("T")
Work = Callable[[Session], T]

_BUSY_S = 15


def database_url() -> str:
    """Return ``FENCUN_DATABASE_URL``, or the SQLite file under ``FENCUN_HOME``."""
    return os.environ.get("FENCUN_DATABASE_URL") or f"sqlite:///{home() / 'fencun.db'}"


class Store:
    """An open database. Every ``fn(session)`` runs in a transaction of its own.

    Writes of this process queue for one thread and happen in the order they came, so
    SQLite never meets itself; reads run beside them. Usable from any thread.
    """

    def __init__(self, url: str | None = None) -> None:
        """Open (and create or migrate) the database at ``url``, a SQLAlchemy URL.

        Raises:
            StoreError: it cannot be opened, or its schema is newer than this program.
        """
        self._url = _parse(url or database_url())
        self._writer = _engine(self._url, writes=True)
        self._reader = _engine(self._url, writes=False)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fencun-store")
        try:
            self._thread.submit(self._migrate).result()
        except BaseException:
            self.close()
            raise

    @property
    def where(self) -> str:
        """The database as a person may read it, without its password."""
        return self._url.render_as_string(hide_password=True)

    def read(self, fn: Work[T]) -> T:
        """Return ``fn(session)``; whatever it changes is thrown away.

        Raises:
            StoreError: the database does not answer.
        """
        try:
            with Session(self._reader, expire_on_commit=False) as session:
                return fn(session)
        except SQLAlchemyError as error:
            raise _failed(error) from error

    def write(self, fn: Work[T]) -> T:
        """Return ``fn(session)`` once it is committed; rolled back if it raises.

        Raises:
            StoreError: the database refused; nothing of it was kept.
        """
        return self._thread.submit(self._commit, fn).result()

    async def aread(self, fn: Work[T]) -> T:
        """:meth:`read`, without blocking the event loop."""
        return await asyncio.to_thread(self.read, fn)

    def awrite(self, fn: Work[T]) -> Awaitable[T]:
        """:meth:`write`, without blocking the event loop. Queued at once, awaited or not."""
        return asyncio.wrap_future(self._thread.submit(self._commit, fn))

    def close(self) -> None:
        """Finish the writes that are queued, then let go; a second call does nothing."""
        self._thread.shutdown(wait=True)
        self._reader.dispose()
        self._writer.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _commit(self, fn: Work[T]) -> T:
        try:
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                return fn(session)
        except SQLAlchemyError as error:
            raise _failed(error) from error

    def _migrate(self) -> None:
        try:
            with self._writer.begin() as connection:
                migrate(connection)
        except SQLAlchemyError as error:
            raise _not_opened(self.where, error) from error


def _parse(text: str) -> URL:
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


def _engine(url: URL, *, writes: bool) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            Path(str(url.database)).expanduser().parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, json_serializer=_dump, pool_pre_ping=True)
    except ImportError as error:
        raise StoreError(
            "用 PostgreSQL 要先装驱动：pip install 'fencun[postgresql]'。",
            "PostgreSQL needs its driver: pip install 'fencun[postgresql]'.",
        ) from error
    except OSError as error:
        raise _not_opened(url.render_as_string(hide_password=True), error) from error
    if url.get_backend_name() == "sqlite":
        _tune_sqlite(engine, writes=writes)
    return engine


def _tune_sqlite(engine: Engine, *, writes: bool) -> None:
    """Take transactions out of the driver's hands: a writer locks when it begins."""

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a vote that was acknowledged survives a power cut
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_S * 1000}",
            f"query_only={'OFF' if writes else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _reason(error: Exception) -> str:
    told = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return " ".join(str(told).split())[:200]


def _failed(error: SQLAlchemyError) -> FencunError:
    return StoreError(
        f"数据库没有答应这次操作（{_reason(error)}）；已有的数据没有动。请稍后再试，"
        "并看看磁盘是否已满。",
        f"The database refused ({_reason(error)}); what was there is untouched. "
        "Try again, and see whether the disk is full.",
    )


def _not_opened(where: str, error: Exception) -> StoreError:
    return StoreError(
        f"打不开数据库 {where}：{_reason(error)}。",
        f"Cannot open the database {where}: {_reason(error)}.",
    )
