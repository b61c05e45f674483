"""Writings in the store: kept whole, found by their owner, changed, judged, forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fencun.brief import parse_brief
from fencun.gates import Finding
from fencun.models.engine import Decoding
from fencun.scenario import Scenario
from fencun.store import writings
from fencun.store.database import Store
from fencun.store.schema import EVENT_KINDS, CandidateRow, EventRow, WritingRow, now
from fencun.writer import Candidate, Writing

FOUND = Finding("length", "doubt", 1, 3, "短了。", "Short.")


@pytest.fixture
def row(scenario: Scenario) -> WritingRow:
    asked = {"salutation": "王老师", "relation": "高中班主任"}
    candidates = tuple(Candidate(f"第{n}条", (FOUND,) if n else (), n) for n in range(3))
    writing = Writing(parse_brief(scenario, asked), "prompt", "m", 5, candidates, 6)
    return writings.writing_row(
        writing, asked=asked, decoding=Decoding(), adapter=None, source="page", owner="me"
    )


def total(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_writing_is_kept_whole(database: str, row: WritingRow) -> None:
    with Store(database) as store:
        store.write(lambda session: session.add(row))
        (kept,) = store.read(lambda session: writings.history(session, "me"))
    assert kept.asked["relation"] == "高中班主任"
    assert kept.brief["relation"] == "老师导师"
    assert kept.decoding["temperature"] == Decoding().temperature
    assert [candidate.text for candidate in kept.candidates] == ["第0条", "第1条", "第2条"]
    assert writings.findings(kept.candidates[1]) == [FOUND]
    assert kept.adapter is None
    assert now() - kept.created_at < timedelta(minutes=1)


def test_a_change_takes_its_place_after_the_others(database: str, row: WritingRow) -> None:
    parent = row.candidates[0].id
    with Store(database) as store:
        store.write(lambda session: session.add(row))

        def change(session: Session) -> CandidateRow:
            found = writings.find_candidate(session, parent, "me")
            assert found is not None
            new = Candidate("换的", (), 9)
            return writings.replace_candidate(session, found[0], new, "shorter", {"length": "短"})

        assert store.write(change).rank == 3
        (kept,) = store.read(lambda session: writings.history(session, "me"))
    last = kept.candidates[-1]
    assert (last.text, last.parent_id, last.change, last.asked) == (
        "换的", parent, "shorter", {"length": "短"},
    )  # fmt: skip
    assert kept.candidates[0].asked is None


def test_an_event_said_twice_is_one(database: str, row: WritingRow) -> None:
    candidate = row.candidates[0].id
    with Store(database) as store:
        store.write(lambda session: session.add(row))

        def tell(session: Session) -> bool:
            return writings.save_event(
                session, identity="e1", candidate_id=candidate, kind="liked", text=None
            )

        assert [store.write(tell), store.write(tell)] == [True, False]
        assert store.read(lambda session: total(session, EventRow)) == 1


def test_the_database_itself_refuses_unknown_kinds(database: str, row: WritingRow) -> None:
    from fencun.errors import StoreError

    candidate = row.candidates[0].id
    with Store(database) as store:
        store.write(lambda session: session.add(row))
        for number, kind in enumerate(EVENT_KINDS):
            store.write(
                lambda session, number=number, kind=kind: writings.save_event(
                    session, identity=f"e{number}", candidate_id=candidate, kind=kind, text=None
                )
            )
        with pytest.raises(StoreError):
            store.write(
                lambda session: writings.save_event(
                    session, identity="x", candidate_id=candidate, kind="stolen", text=None  # type: ignore[arg-type]
                )
            )  # fmt: skip
        with pytest.raises(StoreError):
            store.write(
                lambda session: writings.save_event(
                    session, identity="y", candidate_id="nobody", kind="liked", text=None
                )
            )


def test_forgetting_takes_everything_along_but_only_ones_own(
    database: str, row: WritingRow
) -> None:
    candidate = row.candidates[0].id
    with Store(database) as store:
        store.write(lambda session: session.add(row))
        store.write(
            lambda session: writings.save_event(
                session, identity="e1", candidate_id=candidate, kind="copied", text=None
            )
        )
        assert store.write(lambda session: writings.forget(session, "you")) == 0
        assert store.write(lambda session: writings.forget(session, "you", [row.id])) == 0
        assert (
            store.read(lambda session: writings.find_candidate(session, candidate, "you")) is None
        )
        assert store.write(lambda session: writings.forget(session, "me", [row.id])) == 1
        for table in (WritingRow, CandidateRow, EventRow):
            assert store.read(lambda session, table=table: total(session, table)) == 0
