"""The audit log: written with what it tells of, and only grows."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from store_case import row

from fencun.errors import StoreError
from fencun.store.audit import Act, acting, newest
from fencun.store.database import Store


def test_what_is_done_is_noted_with_it_and_the_log_only_grows(database: str) -> None:
    with Store(database) as store:
        acting.set(Act("POST /x", "t1", "小王"))
        try:
            store.write(lambda session: session.add(row()))
            with pytest.raises(RuntimeError):
                store.write(_fails)
        finally:
            acting.set(None)
        store.write(lambda session: session.add(row()))
        [line] = store.read(newest)
        assert (line.action, line.token, line.name) == ("POST /x", "t1", "小王")
        for change in ("UPDATE audit SET name = 'x'", "DELETE FROM audit"):
            with pytest.raises(StoreError, match="only grows"):
                store.write(lambda session, change=change: session.execute(text(change)))
        assert len(store.read(newest)) == 1


def _fails(_session: Session) -> None:
    raise RuntimeError
