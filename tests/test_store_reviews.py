"""Seeds and reviews in the store: versions over a file, two people on a draft, nothing lost."""

import json
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest
from alembic import command
from sqlalchemy import inspect
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from fencun.data.check import check
from fencun.errors import BriefError, RecordError, StoreError
from fencun.files import write_jsonl
from fencun.gates import Gates
from fencun.records import Seed
from fencun.scenario import Scenario
from fencun.store import intake, migration, reviews, seeds
from fencun.store.database import Store
from fencun.store.schema import DraftRow, ReviewRow
from fencun.store.writings import new_id

FIELDS = {
    "salutation": "王老师",
    "relation": "老师导师",
    "detail": "高三晚自习后常留下来给我讲数学题",
    "occasion": "除夕",
    "style": "真诚走心",
    "length": "短",
    "text": "王老师，除夕了，又想起晚自习后您留下来给我讲题，粉笔灰落一袖子。"
    "给您拜年，天冷少站风口。",
    "why": "粉笔灰是两个人都记得的",
}
BRIEF = {name: FIELDS[name] for name in FIELDS if name not in ("text", "why")}
OTHER = "王老师，走廊那盏灯我一直记着，如今遇到难题，还是会先停一停，再想一步。给您拜年了。"


BOTH = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An open SQLite; where a test asks for BOTH, a real PostgreSQL too."""
    url = f"sqlite:///{tmp_path / 'fencun.db'}"
    if getattr(request, "param", "sqlite") == "postgresql":
        server = request.getfixturevalue("postgres")
        url = postgres_server.new_database(server, f"t{new_id()}")
    with Store(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def gates(scenario: Scenario) -> Gates:
    return Gates(scenario)


def seed(scenario: Scenario, identity: str = "w1", **fields: str) -> Seed:
    return seeds.read_fields(scenario, identity, {**FIELDS, **fields})


def save(store: Store, scenario: Scenario, record: Seed, *, base: int = 0, author: str = "") -> str:
    identity = new_id()
    store.write(
        lambda s: seeds.save(s, scenario, record, identity=identity, base=base, author=author)
    )
    return identity


def standing(store: Store, scenario: Scenario) -> dict[str, seeds.Entry]:
    entries = store.read(lambda s: seeds.collection(s, scenario))
    return {entry.line.id: entry for entry in entries}


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


def test_a_new_seed_stands_before_those_of_the_scenario(store: Store, scenario: Scenario) -> None:
    before = standing(store, scenario)
    save(store, scenario, seed(scenario), author="老周")
    after = standing(store, scenario)
    assert next(iter(after)) == "w1"
    assert len(after) == len(before) + 1
    entry = after["w1"]
    assert (entry.version, entry.shipped, entry.author) == (1, False, "老周")
    assert entry.line.record.why == "粉笔灰是两个人都记得的"


@BOTH
def test_the_same_press_twice_is_one_version(store: Store, scenario: Scenario) -> None:
    record, identity = seed(scenario), new_id()
    for _ in range(2):
        store.write(lambda s: seeds.save(s, scenario, record, identity=identity, base=0, author=""))
    assert len(store.read(lambda s: seeds.versions(s, scenario))) == 1


@BOTH
def test_a_shipped_seed_is_mended_over_its_file(store: Store, scenario: Scenario) -> None:
    path = scenario.folder / "seeds.jsonl"
    before = path.read_bytes()
    old = standing(store, scenario)["s0001"]
    save(store, scenario, seed(scenario, "s0001"))
    entry = standing(store, scenario)["s0001"]
    assert entry.shipped
    assert entry.line.text == FIELDS["text"]
    (version,) = store.read(lambda s: seeds.versions(s, scenario, "s0001"))
    assert version.replaces == old.line.record.content_hash
    store.write(lambda s: seeds.undo(s, scenario, "s0001", identity=new_id(), author=""))
    assert standing(store, scenario)["s0001"].line.text == old.line.text
    assert path.read_bytes() == before


@BOTH
def test_deleting_is_undone_and_every_step_stays(store: Store, scenario: Scenario) -> None:
    save(store, scenario, seed(scenario))
    save(store, scenario, seed(scenario, text=OTHER), base=1)
    store.write(lambda s: seeds.remove(s, scenario, "w1", identity=new_id(), author="小吴"))
    assert "w1" not in standing(store, scenario)
    with pytest.raises(seeds.UnknownSeedError):
        store.read(lambda s: seeds.find(s, scenario, "w1"))
    store.write(lambda s: seeds.undo(s, scenario, "w1", identity=new_id(), author=""))
    assert standing(store, scenario)["w1"].line.text == OTHER
    kept = store.read(lambda s: seeds.versions(s, scenario, "w1"))
    assert [row.number for row in kept] == [1, 2, 3, 4]
    assert [row.record is None for row in kept] == [False, False, True, False]
    assert kept[1].replaces == seed(scenario).content_hash


def test_a_shipped_seed_deleted_comes_back_as_it_was(store: Store, scenario: Scenario) -> None:
    old = standing(store, scenario)["s0002"].line.record
    store.write(lambda s: seeds.remove(s, scenario, "s0002", identity=new_id(), author=""))
    assert "s0002" not in standing(store, scenario)
    store.write(lambda s: seeds.undo(s, scenario, "s0002", identity=new_id(), author=""))
    assert standing(store, scenario)["s0002"].line.record == old


def test_undoing_the_first_version_of_an_own_seed_takes_it_away(
    store: Store, scenario: Scenario
) -> None:
    save(store, scenario, seed(scenario))
    identity = new_id()
    for _ in range(2):  # a retry is the same undo
        store.write(lambda s: seeds.undo(s, scenario, "w1", identity=identity, author=""))
    assert "w1" not in standing(store, scenario)


def test_a_seed_changed_by_somebody_else_is_not_overwritten(
    store: Store, scenario: Scenario
) -> None:
    save(store, scenario, seed(scenario), author="小吴")
    with pytest.raises(seeds.StaleError, match="小吴"):
        save(store, scenario, seed(scenario, text=OTHER), base=0)
    assert standing(store, scenario)["w1"].line.text == FIELDS["text"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("relation", "外星人"), ("relation", ""), ("text", "  "), ("text", "长" * 4001),
     ("tact", "没有这个"), ("salutation", ""), ("text", "王老师，我换号了，13912345678。")],
)  # fmt: skip
def test_what_is_wrong_with_a_form_is_named(scenario: Scenario, field: str, value: str) -> None:
    with pytest.raises(BriefError) as refused:
        seed(scenario, **{field: value})
    assert refused.value.field == field


def test_what_no_database_holds_never_reaches_one(scenario: Scenario) -> None:
    assert seed(scenario, text=f"{FIELDS['text']}\0").text == FIELDS["text"]
    assert reviews.reviewer_name("老\0周\u200b") == "老周"


def test_tact_takes_the_handling_of_its_topic_unless_told(scenario: Scenario) -> None:
    by_itself, told = (
        seed(scenario, tact="离婚分手"),
        seed(scenario, tact="离婚分手", handling="轻提"),
    )
    assert by_itself.tact is not None
    assert told.tact is not None
    assert (by_itself.tact.handling, told.tact.handling) == ("不提", "轻提")


def test_what_stands_is_a_file_that_the_command_line_checks(
    store: Store, scenario: Scenario, tmp_path: Path
) -> None:
    save(store, scenario, seed(scenario))
    save(store, scenario, seed(scenario, "s0003", text=OTHER))
    path = tmp_path / "seeds.jsonl"
    rows = [entry.line.record.to_row() for entry in standing(store, scenario).values()]
    assert write_jsonl(path, rows) == len(seeds.shipped(scenario)) + 1
    checked = check(scenario, [path])
    assert [r for r in checked.remarks if r.finding.gate == "record"] == []


@BOTH
def test_sketches_keep_the_latest_turn_and_their_owner(store: Store, scenario: Scenario) -> None:
    identity = new_id()

    def keep(turn: int, text: str, owner: str = "me") -> bool:
        return store.write(
            lambda s: seeds.keep_sketch(
                s, scenario, identity=identity, owner=owner, seed="", fields={"text": text},
                turn=turn,
            )
        )  # fmt: skip

    assert [keep(1, "王"), keep(3, "王老师"), keep(2, "王老"), keep(9, "偷", "you")] == [
        True, True, False, False,
    ]  # fmt: skip
    (row,) = store.read(lambda s: seeds.sketches(s, scenario, "me"))
    assert row.fields == {"text": "王老师"}
    store.write(lambda s: seeds.drop_sketch(s, identity, "you"))
    assert len(store.read(lambda s: seeds.sketches(s, scenario, "me"))) == 1
    store.write(lambda s: seeds.drop_sketch(s, identity, "me"))
    assert store.read(lambda s: seeds.sketches(s, scenario, "me")) == []


def test_a_sketch_that_comes_after_its_seed_was_saved_is_late(
    store: Store, scenario: Scenario
) -> None:
    identity = save(store, scenario, seed(scenario))
    assert not store.write(
        lambda s: seeds.keep_sketch(
            s, scenario, identity=identity, owner="me", seed="", fields={}, turn=5
        )
    )


# Reviews


def line(number: int, text: str = FIELDS["text"], **more: object) -> str:
    row = {"id": f"n{number}", "parent": "s0001", **BRIEF, "text": text, **more}
    return json.dumps(row, ensure_ascii=False)


def upload(
    store: Store, scenario: Scenario, gates: Gates, data: bytes, name: str = "a.jsonl"
) -> str:
    def add(session: Session) -> str:
        known = seeds.known(session, scenario)
        return reviews.add_batch(session, *intake.read_batch(scenario, gates, name, data, known)).id

    return store.write(add)


@pytest.fixture
def batch(store: Store, scenario: Scenario, gates: Gates) -> str:
    lines = [line(1), line(2, OTHER), line(3, FIELDS["text"] + "早点睡。")]
    return upload(store, scenario, gates, "\n".join(lines).encode())


def following(store: Store, batch: str, who: str, after: int = 0) -> DraftRow | None:
    return store.read(lambda s: reviews.next_draft(s, batch, who, after=after))[0]


def say(
    store: Store, draft: str, who: str, decision: str, text: str = FIELDS["text"],
    reason: str | None = None, identity: str | None = None,
) -> DraftRow:  # fmt: skip
    return store.write(
        lambda s: reviews.decide(
            s, draft, who, identity=identity or new_id(), decision=decision, text=text,  # type: ignore[arg-type]
            reason=reason,  # type: ignore[arg-type]
        )
    )  # fmt: skip


def first(store: Store, batch: str) -> DraftRow:
    found = following(store, batch, "nobody")
    assert found is not None
    return found


def counts(store: Store, batch: str) -> reviews.Summary:
    return store.read(lambda s: reviews.summary(s, reviews.find_batch(s, batch)))


@BOTH
def test_good_lines_come_in_and_bad_ones_are_told_by_number(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    lines = [
        "\ufeff" + line(1),
        "{不是 JSON",
        line(3, parent="没有这条"),
        line(1, OTHER),
        line(5, relation="外星人"),
        "",
        line(7, "王老师，祝您身体健康、万事如意、阖家欢乐、心想事成，给您拜年了，多多保重。"),
        line(8, OTHER, parent="n1"),
        line(9, OTHER, detail="他的电话是13912345678"),
        line(10, f"{OTHER}\0"),
    ]
    batch = upload(store, scenario, gates, "\n".join(lines).encode())
    summary = counts(store, batch)
    assert [entry["line"] for entry in summary.batch.unusable] == [2, 3, 4, 5, 9, 10]
    assert "外星人" in summary.batch.unusable[3]["zh"]
    assert (summary.states["open"], summary.states["aside"]) == (2, 1)
    (aside,) = store.read(lambda s: reviews.listed(s, batch, "aside"))
    assert "cliche" in {finding["gate"] for finding in aside.findings}
    assert (aside.number, aside.round) == (7, 0)


def test_a_gbk_file_and_an_empty_one_take_nothing(
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    for data in (line(1).encode("gbk"), b"", b"\n\n", b"\n" * (intake.MAX_LINES + 1)):
        with pytest.raises(RecordError):
            upload(store, scenario, gates, data)
    assert store.read(lambda s: reviews.summaries(s, scenario.name)) == []


def test_the_same_file_again_is_the_same_batch(
    store: Store, scenario: Scenario, gates: Gates, batch: str
) -> None:
    say(store, first(store, batch).id, "老周", "accept")
    lines = [line(1), line(2, OTHER), line(3, FIELDS["text"] + "早点睡。")]
    assert upload(store, scenario, gates, "\n".join(lines).encode(), "b.jsonl") == batch
    assert counts(store, batch).reviewers == {"老周": 1}


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
