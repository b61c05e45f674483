"""The one way into the database: concurrent reads, and one thread that writes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.orm import Session

from fencun.errors import FencunError, StoreError
from fencun.store.audit import Act, acting, note
from fencun.store.connect import (
    database_url,
    is_away,
    is_held,
    not_opened,
    open_engine,
    parse_url,
    reason,
)
from fencun.store.migration import migrate

T = TypeVar("T")
Work = Callable[[Session], T]

_READERS = 8
_PATIENCE_S = 30.0  # how long a write waits for a database that is locked or away
_AGAIN_S = 0.2


class StoreBusyError(StoreError):
    """Another program held the database for too long, or it was away; nothing was written."""

    status = 503
    retry_after = 5


class StoreAwayError(StoreBusyError):
    """The database went away, or is not there; nothing was written."""

    def __init__(self, told: str) -> None:
        super().__init__(
            f"数据库暂时连不上（{told}）；这次什么都没有写，先前收下的都在。请过几秒再试。",
            f"The database is away for the moment ({told}); nothing was written, and what was "
            "taken before is safe. Try again in a few seconds.",
        )


class ConflictError(StoreError):
    """What was to be written is there already, under that identity, and says something else."""

    code = "conflict"
    status = 409


class UnstorableError(StoreError):
    """A value that no database holds: a number too large, half a character."""

    code = "unstorable"
    status = 422


class Store:
    """An open database. Every ``fn(session)`` runs in a transaction of its own.

    Writes of this process queue for one thread and happen in the order they came, so
    SQLite never meets itself; reads run beside them, in threads of their own. Usable from
    any thread. A write made while :data:`~fencun.store.audit.acting` is set is noted.
    """

    def __init__(self, url: str | None = None) -> None:
        """Open (and create or migrate) the database at ``url``, a SQLAlchemy URL.

        Raises:
            StoreError: it cannot be opened, or its schema is newer than this program.
        """
        self._url = parse_url(url or database_url())
        self._writer = open_engine(self._url, writes=True)
        self._reader = open_engine(self._url, writes=False, readers=_READERS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fencun-store")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="fencun-read")
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
        except (SQLAlchemyError, OverflowError, UnicodeEncodeError) as error:
            raise _failed(error) from error

    def write(self, fn: Work[T]) -> T:
        """Return ``fn(session)`` once it is committed; rolled back if it raises.

        While the database is locked or away, a write waits, 30 seconds at most.

        Raises:
            StoreError: the database refused; nothing of it was kept, or else it says so.
        """
        return self._thread.submit(self._commit, fn, acting.get(), _deadline()).result()

    async def aread(self, fn: Work[T]) -> T:
        """:meth:`read`, without blocking the event loop."""
        return await asyncio.wrap_future(self._readers.submit(self.read, fn))

    def awrite(self, fn: Work[T]) -> Awaitable[T]:
        """:meth:`write`, without blocking the event loop. Queued at once, awaited or not."""
        queued = self._thread.submit(self._commit, fn, acting.get(), _deadline())
        return asyncio.wrap_future(queued)

    async def ping(self) -> None:
        """Do nothing but ask; raises :class:`StoreError` where the database does not answer."""
        await self.aread(lambda session: session.execute(text("SELECT 1")))

    def close(self) -> None:
        """Finish the writes that are queued, then let go; a second call does nothing."""
        self._thread.shutdown(wait=True)
        self._readers.shutdown(wait=True)
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

    def _commit(self, fn: Work[T], act: Act | None, deadline: float) -> T:
        try:
            try:
                return self._tried(fn, act, deadline)
            except IntegrityError as error:
                if not _taken(error):
                    raise
                # Another server may have written the very same meanwhile: now ``fn`` sees it.
                return self._tried(fn, act, deadline)
        except (SQLAlchemyError, OverflowError, UnicodeEncodeError) as error:
            raise _failed(error) from error

    def _tried(self, fn: Work[T], act: Act | None, deadline: float) -> T:
        with self._begun(deadline) as session:
            result = fn(session)
            if act is not None:
                note(session, act)
            session.flush()
            self._settle(session)
            return result

    def _begun(self, deadline: float) -> Session:
        """Return a session whose transaction has begun: SQLite is locked, PostgreSQL is there.

        All that were queued while the database was away share the wait: none waits anew.
        """
        while True:
            session = Session(self._writer, expire_on_commit=False)
            try:
                session.connection()
            except SQLAlchemyError as error:
                session.close()
                away = isinstance(error, OperationalError | InterfaceError)
                if not away or not _may_pass(error):
                    raise _failed(error) from error
                if time.monotonic() >= deadline:
                    raise _busy(error) from error
                time.sleep(_AGAIN_S)
            else:
                return session

    def _settle(self, session: Session) -> None:
        """Commit; where that fails, make sure that nothing of it comes back.

        When the disk refuses to sync, SQLite has the whole transaction in its log already:
        should the process die now, the next one would find it there and take it for committed.
        A transaction after it overwrites it.
        """
        try:
            session.commit()
        except SQLAlchemyError as error:
            session.close()
            if self._url.get_backend_name() == "sqlite" and self._overwritten():
                raise
            raise StoreError(
                f"数据库没有确认（{reason(error)}）：可能写进去了，也可能没有。"
                "重试之前先刷新看一眼。",
                f"The database did not confirm ({reason(error)}): it may be written, or not. "
                "Reload and look before you try again.",
            ) from error

    def _overwritten(self) -> bool:
        touch = text("UPDATE alembic_version SET version_num = version_num")
        for _ in range(3):
            with suppress(SQLAlchemyError), self._writer.begin() as connection:
                connection.execute(touch)
                return True
            time.sleep(_AGAIN_S)
        return False

    def _migrate(self) -> None:
        deadline = _deadline()
        while True:
            try:
                with self._writer.begin() as connection:
                    return migrate(connection)
            except SQLAlchemyError as error:
                # Another program that starts at the same moment may be migrating.
                if "locked" not in reason(error) or time.monotonic() >= deadline:
                    raise not_opened(self._url, error) from error
                time.sleep(_AGAIN_S)


def _deadline() -> float:
    return time.monotonic() + _PATIENCE_S


def _may_pass(error: SQLAlchemyError) -> bool:
    """Whether waiting may help: a lock, a server that starts again; not a file that is gone."""
    why = reason(error)
    return "unable to open" not in why and "not a database" not in why


def _busy(error: Exception) -> StoreBusyError:
    return StoreBusyError(
        f"数据库一直被占着，或者连不上（{reason(error)}）；这次什么都没有写，请过一会儿再试。",
        f"The database is held by another program, or away ({reason(error)}); nothing was "
        "written. Try again in a moment.",
    )


def _taken(error: Exception) -> bool:
    return isinstance(error, IntegrityError) and "unique" in reason(error).lower()


def _failed(error: Exception) -> FencunError:
    if is_away(error):
        return StoreAwayError(reason(error))
    if is_held(error):
        return _busy(error)
    if _taken(error):
        return ConflictError(
            "这个编号已经用过了，内容和这次的不一样；刷新页面再试。",
            "This identity is taken by something else; reload and try again.",
        )
    if isinstance(error, DataError | OverflowError | UnicodeEncodeError) or (
        isinstance(error, StatementError)
        and isinstance(error.orig, OverflowError | UnicodeEncodeError)
    ):
        return UnstorableError(
            "里面有数据库存不下的值（太大的数，或半个字符）；改一下再试。",
            "It holds a value that no database can keep (too large a number, half a character).",
        )
    return StoreError(
        f"数据库没有答应这次操作（{reason(error)}）；已有的数据没有动。请稍后再试，"
        "并看看磁盘是否已满。",
        f"The database refused ({reason(error)}); what was there is untouched. "
        "Try again, and see whether the disk is full.",
    )
