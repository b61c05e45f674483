"""A file of drafts that comes in for review: good lines taken, bad ones told by number."""

import pytest
from review_case import BOTH, OTHER, counts, first, line, say, three_drafts, upload

from fencun.errors import RecordError
from fencun.gates import Gates
from fencun.scenario import Scenario
from fencun.store import intake, reviews
from fencun.store.database import Store


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
    store: Store, scenario: Scenario, gates: Gates
) -> None:
    batch = three_drafts(store, scenario, gates)
    say(store, first(store, batch).id, "老周", "accept")
    assert three_drafts(store, scenario, gates, "b.jsonl") == batch
    assert counts(store, batch).reviewers == {"老周": 1}
