"""What the tables hold to, on SQLite and on PostgreSQL: moments, JSON, what is refused."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session
from store_case import row

from fencun.errors import StoreError
from fencun.store.database import ConflictError, Store
from fencun.store.schema import (
    Base,
    BatchRow,
    CandidateRow,
    DraftRow,
    EventRow,
    ReviewRow,
    SeedVersionRow,
    WritingRow,
    now,
)
from fencun.store.writings import new_id

NOON = datetime(2026, 2, 17, 12, tzinfo=UTC)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with Store(database) as store:
        yield store


def add(store: Store, *make: Callable[[], Base]) -> None:
    """Keep rows, each made where it is written: a write that meets another is tried twice."""
    for one in make:
        store.write(lambda session, one=one: session.add(one()))


def candidate(identity: str, writing: str) -> CandidateRow:
    return CandidateRow(
        id=identity, writing_id=writing, rank=0, text="新年好。", findings=[], seed=1
    )


def test_a_moment_comes_back_in_utc_whatever_zone_it_was_told_in(store: Store) -> None:
    here = NOON.astimezone(timezone(timedelta(hours=8)))

    def told() -> WritingRow:
        made = row(identity="a" * 32)
        made.created_at = here
        return made

    add(store, told)
    kept = store.read(lambda session: session.get_one(WritingRow, "a" * 32)).created_at
    assert (kept, kept.utcoffset()) == (NOON, timedelta(0))
    assert now().utcoffset() == timedelta(0)


def test_json_keeps_chinese_readable_and_nothing_as_null(store: Store) -> None:
    add(store, lambda: row(identity="a" * 32), lambda: candidate("b" * 32, "a" * 32))
    raw = store.read(
        lambda s: s.execute(text("SELECT CAST(asked AS VARCHAR(99)) FROM writings")).scalar_one()
    )
    assert "“甲”" in raw
    nulls = text("SELECT count(*) FROM candidates WHERE asked IS NULL")
    assert store.read(lambda session: session.execute(nulls).scalar_one()) == 1


def test_what_belongs_to_a_writing_goes_with_it(store: Store) -> None:
    add(
        store,
        lambda: row(identity="a" * 32),
        lambda: candidate("b" * 32, "a" * 32),
        lambda: EventRow(id="e1", candidate_id="b" * 32, kind="copied"),
    )
    store.write(lambda session: session.execute(delete(WritingRow)))
    for table in (CandidateRow, EventRow):
        assert store.read(lambda session, table=table: session.query(table).count()) == 0


def test_the_database_itself_refuses_what_belongs_nowhere(store: Store) -> None:
    add(store, lambda: row(identity="a" * 32), lambda: candidate("b" * 32, "a" * 32))
    strays: dict[str, Callable[[], Base]] = {
        "a kind that there is not": lambda: EventRow(id="e1", candidate_id="b" * 32, kind="sent"),
        "an event of nothing": lambda: EventRow(id="e1", candidate_id="c" * 32, kind="copied"),
        "a candidate of nothing": lambda: candidate("d" * 32, "c" * 32),
    }
    for what, make in strays.items():
        with pytest.raises(StoreError):
            add(store, make)
        assert store.read(lambda session: session.query(EventRow).count()) == 0, what
    assert store.read(lambda session: session.query(CandidateRow).count()) == 1


def test_a_version_of_a_seed_has_a_number_of_its_own(store: Store) -> None:
    def version(number: int) -> SeedVersionRow:
        return SeedVersionRow(id=new_id(), scenario="s", seed="s001", number=number, record={})

    add(store, lambda: version(1), lambda: version(2))
    with pytest.raises(ConflictError):
        add(store, lambda: version(2))


def test_one_opinion_of_a_reviewer_stands_in_a_round(store: Store) -> None:
    """Another may be given once the first is withdrawn, and in the next round."""

    def review(round_: int = 1, reviewer: str = "小王") -> ReviewRow:
        return ReviewRow(
            id=new_id(), draft_id="d" * 32, round=round_, reviewer=reviewer,
            decision="accept", text="新年好。",
        )  # fmt: skip

    def withdraw(session: Session) -> None:
        session.execute(update(ReviewRow).values(withdrawn_at=NOON))

    add(
        store,
        lambda: BatchRow(id="b" * 32, scenario="s", name="x", fingerprint="f", unusable=[]),
        lambda: DraftRow(
            id="d" * 32, batch_id="b" * 32, number=1, record={}, findings=[], text="新年好。"
        ),
        review,
        lambda: review(reviewer="小李"),
        lambda: review(round_=2),
    )
    with pytest.raises(ConflictError):
        add(store, review)
    store.write(withdraw)
    add(store, review)
    assert store.read(lambda session: session.query(ReviewRow).count()) == 4
