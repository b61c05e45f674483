"""Reading blind: sheets that tell nothing, grades taken whole, and what reads say."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading_case import GRIEF, good, lines_of, taken

from fencun.errors import FencunError
from fencun.evaluate.reading import FAULTS, read_reads
from fencun.files import write_jsonl


def test_a_sheet_tells_nothing_but_brief_and_text(laid: Path) -> None:
    for path in (laid, laid.with_suffix(".txt")):
        told = path.read_text(encoding="utf-8")
        assert "晚自习后常留下来给我讲题" in told
        assert not any(word in told for word in ("tuned", "rag", "gate", "passed", "place"))
    assert set(lines_of(laid)[0]) == {"number", "brief", "text", "grade", "reason", "where"}
    assert "tuned" in laid.with_suffix(".key.json").read_text(encoding="utf-8")


def test_only_the_owner_reads_the_key(laid: Path) -> None:
    assert stat.S_IMODE(laid.with_suffix(".key.json").stat().st_mode) == 0o600


def test_grades_become_whole_reads(laid: Path) -> None:
    taken(laid, [good(line) for line in lines_of(laid)])
    reads = read_reads([laid.with_name("reads.jsonl")])
    shared = [read for read in reads if read.text == "甲三。" and not read.again]
    assert {(read.arm, read.place) for read in shared} == {("tuned", 2), ("rag", 1)}
    first = next(read for read in reads if read.text == "乙一。")
    assert (first.grade, first.reason, first.where, first.kind) == (0, "named", 1, "ai")
    assert (first.id, first.length, first.brief["detail"]) == ("2", "中", GRIEF["detail"])
    assert sum(read.again for read in reads) >= 2
    taken(laid, [good(line) for line in lines_of(laid)], reader="吴", kind="person")
    assert len(read_reads([laid.with_name("reads.jsonl")])) == 2 * len(reads)
    with pytest.raises(FencunError, match="读过这张"):
        taken(laid, [good(line) for line in lines_of(laid)])


def test_the_filled_sheet_itself_is_taken_and_reasons_in_any_words(laid: Path) -> None:
    names = [*FAULTS, *(zh for zh, _ in FAULTS.values()), 1, "10"]
    rows = [line | {"grade": 0, "reason": names[at % len(names)], "where": ""}
            for at, line in enumerate(lines_of(laid))]  # fmt: skip
    reads = taken(laid, rows)
    by_number = {read.number: read.reason for read in reads}
    assert [by_number[n] for n in sorted(by_number)] == list(FAULTS)[: len(by_number)]


def changed(at: int, **fields: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda rows: rows[at].update(fields)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda rows: rows.pop(2), "还缺 1 号：3"),
        (lambda rows: rows.append(rows[0] | {"number": 99}), "没有 99 号"),
        (lambda rows: rows.append(rows[0]), "1 号给了两次"),
        (changed(0, grade=None), "1 号没有等级"),
        (changed(0, grade=3), "grade"),
        (changed(0, grade=2, reason="sense", where=None), "2 不写理由"),
        (changed(0, grade=1, reason="", where=None), "1 和 0 要写一个理由"),
        (changed(0, grade=0, reason="难看"), "没有“难看”这个理由"),
        (changed(0, grade=0, reason="sense", where=9), "1 号的句号码 9 不对"),
        (changed(0, grade=2, reason="", where=1), "1 号的句号码 1 不对"),
        (changed(0, text="别的文字"), "1 号的需求或文字被改过"),
        (changed(0, extra=1), "extra"),
    ],
)
def test_grades_that_are_not_whole_are_refused_and_nothing_is_kept(
    laid: Path, spoil: Callable[[list[dict[str, Any]]], object], told: str
) -> None:
    rows = [good(line) for line in lines_of(laid)]
    spoil(rows)
    with pytest.raises(FencunError, match=told):
        taken(laid, rows)
    assert not laid.with_name("reads.jsonl").exists()


def test_another_sheet_and_a_changed_one_do_not_fit_the_key(laid: Path) -> None:
    rows = lines_of(laid)
    graded = [good(line) for line in rows]
    rows[0]["text"] += "改"
    write_jsonl(laid, rows)
    with pytest.raises(FencunError, match="被改过"):
        taken(laid, graded)
    laid.with_suffix(".key.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FencunError, match="不是审读单的钥匙"):
        taken(laid, graded)
