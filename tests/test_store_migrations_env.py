"""Alembic works on the connection that it is handed, inside the transaction that is open there."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, inspect

from fencun.store.connect import open_engine, parse_url
from fencun.store.migration import migrate


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = open_engine(parse_url(database), writes=True)
    yield engine
    engine.dispose()


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def test_a_transaction_that_is_taken_back_takes_the_whole_schema_with_it(engine: Engine) -> None:
    with engine.connect() as connection:
        migrate(connection)
        assert "votes" in tables(connection)
        connection.rollback()
    with engine.connect() as connection:
        assert tables(connection) == set()


def test_a_transaction_that_is_kept_keeps_it_and_a_second_run_changes_nothing(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        migrate(connection)
    with engine.begin() as connection:
        before = tables(connection)
        migrate(connection)
        assert tables(connection) == before >= {"alembic_version", "audit", "votes", "writings"}
