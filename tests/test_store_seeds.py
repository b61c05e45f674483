"""Seeds as a team writes and mends them: versions over the scenario's file, and sketches."""

from pathlib import Path

import pytest
from review_case import BOTH, FIELDS, OTHER, seed

from fencun.data.check import check
from fencun.errors import BriefError
from fencun.files import write_jsonl
from fencun.records import Seed
from fencun.scenario import Scenario
from fencun.store import reviews, seeds
from fencun.store.database import Store
from fencun.store.writings import new_id


def save(store: Store, scenario: Scenario, record: Seed, *, base: int = 0, author: str = "") -> str:
    identity = new_id()
    store.write(
        lambda s: seeds.save(s, scenario, record, identity=identity, base=base, author=author)
    )
    return identity


def standing(store: Store, scenario: Scenario) -> dict[str, seeds.SeedEntry]:
    entries = store.read(lambda s: seeds.collection(s, scenario))
    return {entry.line.id: entry for entry in entries}


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
