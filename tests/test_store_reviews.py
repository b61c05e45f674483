"""Seeds and reviews in the store: versions over a file, two people on a draft, nothing lost."""

import json
from datetime import UTC, datetime

import pytest
from alembic import command
from review_case import (
    BOTH,
    OTHER,
    counts,
    first,
    following,
    line,
    say,
    seed,
    three_drafts,
    upload,
)
from sqlalchemy import inspect
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from fencun.errors import StoreError
from fencun.gates import Gates
from fencun.scenario import Scenario
from fencun.store import migration, reviews
from fencun.store.database import Store
from fencun.store.schema import ReviewRow
from fencun.store.writings import new_id


@pytest.fixture
def batch(store: Store, scenario: Scenario, gates: Gates) -> str:
    return three_drafts(store, scenario, gates)


@BOTH
def test_a_database_without_these_tables_is_upgraded_and_keeps_what_it_had(store: Store) -> None:
    poll = "INSERT INTO polls VALUES ('p', 'c', '甲', 'f', 'x', 6, '2026-11-28 00:00:00', NULL)"
    with store._writer.begin() as connection:
        config = migration._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        assert "reviews" not in inspect(connection).get_table_names()
        connection.execute(sql(poll))
    with Store(store._url.render_as_string(hide_password=False)) as upgraded:
        assert upgraded.read(lambda s: s.scalar(sql("SELECT study FROM polls"))) == "甲"
        assert upgraded.read(lambda s: reviews.summaries(s, "spring_festival")) == []


# Seeds


# Reviews


def test_two_who_agree_decide(store: Store, batch: str) -> None:
    draft = first(store, batch)
    assert say(store, draft.id, "老周", "accept").state == "open"
    assert say(store, draft.id, " 小吴 ", "accept").state == "accepted"
    assert counts(store, batch).decided == 1
    with pytest.raises(reviews.ReviewError, match="两个人定了"):
        say(store, draft.id, "阿兰", "reject", reason="cliche")


def test_one_person_alone_never_decides(store: Store, batch: str) -> None:
    draft = first(store, batch)
    for _ in range(3):
        assert say(store, draft.id, "老周", "accept").state == "open"
    assert counts(store, batch).reviewers == {"老周": 1}


@BOTH
def test_the_second_reviewer_sees_the_edited_text(
    store: Store, scenario: Scenario, batch: str
) -> None:
    draft = first(store, batch)
    say(store, draft.id, "老周", "edit", "  王老师，给您拜年，天冷少站风口，粉笔灰的味道我还记得。")
    seen = following(store, batch, "小吴")
    assert seen is not None
    assert seen.id == draft.id  # it waits for its second opinion, so it comes first
    assert seen.text == "王老师，给您拜年，天冷少站风口，粉笔灰的味道我还记得。"
    assert say(store, draft.id, "小吴", "accept", seen.text).state == "accepted"
    (row,) = store.read(lambda s: reviews.accepted(s, scenario, batch))
    assert row == {**draft.record, "text": seen.text}
    assert row["parent"] == "s0001"


@BOTH
def test_two_rejections_set_a_draft_aside_and_it_can_be_brought_back(
    store: Store, batch: str
) -> None:
    draft = first(store, batch)
    with pytest.raises(reviews.ReviewError, match="为什么"):
        say(store, draft.id, "老周", "reject")
    say(store, draft.id, "老周", "reject", reason="cliche")
    assert say(store, draft.id, "小吴", "reject", reason="copied").state == "rejected"
    assert counts(store, batch).reasons["cliche"] == 1
    back = store.write(lambda s: reviews.bring_back(s, draft.id, "阿兰"))
    assert (back.state, back.round, back.opinions, back.brought_back_by) == ("open", 2, 0, "阿兰")
    assert counts(store, batch).reasons["copied"] == 1  # what was learnt stays
    say(store, draft.id, "老周", "accept")
    assert say(store, draft.id, "小吴", "accept").state == "accepted"
    with pytest.raises(reviews.ReviewError):
        store.write(lambda s: reviews.bring_back(s, draft.id, "阿兰"))


def test_a_conflict_is_shown_and_a_third_opinion_settles_it(store: Store, batch: str) -> None:
    draft = first(store, batch)
    say(store, draft.id, "老周", "accept")
    assert say(store, draft.id, "小吴", "reject", reason="unlike").state == "conflict"
    (shown,) = store.read(lambda s: reviews.listed(s, batch, "conflict"))
    assert [(r.reviewer, r.decision) for r in shown.reviews] == [
        ("老周", "accept"), ("小吴", "reject"),
    ]  # fmt: skip
    assert following(store, batch, "阿兰") is not None
    assert say(store, draft.id, "阿兰", "reject", reason="unlike").state == "rejected"


@BOTH
def test_one_who_changes_their_mind_settles_a_conflict(store: Store, batch: str) -> None:
    draft = first(store, batch)
    say(store, draft.id, "老周", "accept")
    say(store, draft.id, "小吴", "edit", OTHER)
    assert say(store, draft.id, "老周", "accept", OTHER).state == "accepted"
    log = store.read(lambda s: reviews.log(s, batch))
    assert [entry["withdrawn_at"] is None for entry in log] == [False, True, True]


@BOTH
def test_a_clock_set_back_changes_nothing_of_what_was_said_last(
    store: Store, batch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = iter(range(59, 0, -1))
    monkeypatch.setattr(reviews, "now", lambda: datetime(2026, 11, 28, 9, next(minute), tzinfo=UTC))
    for _ in range(2):
        draft = following(store, batch, "小吴")
        assert draft is not None
        say(store, draft.id, "小吴", "reject", reason="cliche")
        assert store.read(lambda s: reviews.last_said(s, batch, "小吴")) == draft.id
    open_one = following(store, batch, "小林")
    assert open_one is not None
    say(store, open_one.id, "小林", "edit", OTHER)
    assert say(store, open_one.id, "老周", "edit", f"{OTHER}过年好。").text == f"{OTHER}过年好。"


@BOTH
def test_undo_takes_back_ones_own_last_opinion_only(store: Store, batch: str) -> None:
    draft = first(store, batch)
    say(store, draft.id, "老周", "accept")
    say(store, draft.id, "小吴", "accept")
    assert store.read(lambda s: reviews.last_said(s, batch, "小吴")) == draft.id
    for _ in range(2):  # a retry takes back no more
        taken = store.write(lambda s: reviews.take_back(s, draft.id, "小吴"))
        assert (taken.state, taken.opinions) == ("open", 1)
    assert store.read(lambda s: reviews.last_said(s, batch, "小吴")) is None
    assert store.read(lambda s: reviews.last_said(s, batch, "老周")) == draft.id
    again = following(store, batch, "小吴")
    assert again is not None
    assert again.id == draft.id


def test_an_edit_that_is_taken_back_leaves_the_text_as_it_came(store: Store, batch: str) -> None:
    draft = first(store, batch)
    say(store, draft.id, "老周", "edit", OTHER)
    taken = store.write(lambda s: reviews.take_back(s, draft.id, "老周"))
    assert taken.text == draft.record["text"]


@BOTH
def test_said_twice_it_is_one_opinion(store: Store, batch: str) -> None:
    draft, identity = first(store, batch), new_id()
    for _ in range(2):
        say(store, draft.id, "老周", "accept", identity=identity)
    assert len(store.read(lambda s: reviews.log(s, batch))) == 1
    store.write(lambda s: reviews.take_back(s, draft.id, "老周"))
    with pytest.raises(reviews.ReviewError, match="撤回"):
        say(store, draft.id, "老周", "accept", identity=identity)


@BOTH
def test_each_sees_what_they_have_not_judged_and_may_pass_over(store: Store, batch: str) -> None:
    seen = []
    for _ in range(3):
        draft = following(store, batch, "老周")
        assert draft is not None
        seen.append(draft.number)
        say(store, draft.id, "老周", "accept", draft.text)
    assert seen == [1, 2, 3]
    assert following(store, batch, "老周") is None
    passed = following(store, batch, "小吴", after=1)
    assert passed is not None
    assert passed.number == 2
    last = following(store, batch, "小吴", after=3)
    assert last is not None
    assert last.number == 1


def test_what_a_gate_refused_is_reviewed_only_after_it_was_brought_back(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    text = "王老师，祝您身体健康、万事如意、阖家欢乐、心想事成，给您拜年了，多多保重。"
    batch = upload(store, scenario, gates, line(1, text).encode())
    assert following(store, batch, "老周") is None
    (aside,) = store.read(lambda s: reviews.listed(s, batch, "aside"))
    with pytest.raises(reviews.ReviewError, match="搁在一边"):
        say(store, aside.id, "老周", "accept", text)
    store.write(lambda s: reviews.bring_back(s, aside.id, "老周"))
    assert following(store, batch, "老周") is not None


@BOTH
def test_the_database_itself_keeps_one_standing_opinion_a_head(store: Store, batch: str) -> None:
    draft = first(store, batch)
    say(store, draft.id, "老周", "accept")

    def sneak(session: Session) -> None:
        session.add(
            ReviewRow(id=new_id(), draft_id=draft.id, round=1, reviewer="老周", decision="accept",
                      text="x")
        )  # fmt: skip

    with pytest.raises(StoreError):
        store.write(sneak)
    with pytest.raises(StoreError):
        store.write(lambda s: s.execute(sql("UPDATE review_drafts SET state = 'lost'")))


def test_unknown_batches_and_drafts_are_told(store: Store) -> None:
    with pytest.raises(reviews.UnknownDraftError):
        store.read(lambda s: reviews.find_batch(s, "x"))
    with pytest.raises(reviews.UnknownDraftError):
        say(store, "x", "老周", "accept")
    with pytest.raises(reviews.ReviewError, match="名字"):
        say(store, "x", "  ", "accept")


def test_samples_keep_a_true_hash_when_their_text_was_edited(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    from fencun.records import Sample

    own = seed(scenario, "n9")
    row = {**own.to_row(), "family": "n9", "generation": 0, "hash": own.content_hash}
    batch = upload(store, scenario, gates, json.dumps(row).encode())
    draft = first(store, batch)
    say(store, draft.id, "老周", "edit", OTHER)
    say(store, draft.id, "小吴", "accept", OTHER)
    (kept,) = store.read(lambda s: reviews.accepted(s, scenario, batch))
    assert kept["hash"] == Sample.from_row(scenario, kept).content_hash != own.content_hash
