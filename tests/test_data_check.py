"""`fencun data check`: every line with its number and its reasons, however long the file is."""

import json
import os
import tracemalloc
from pathlib import Path

import pytest
from data_case import row, write

from fencun.data.check import Inspection, check
from fencun.errors import FencunError
from fencun.scenario import Scenario

TEXTS = (
    "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。",
    "妈，三十晚上我到家，灶上给我留碗热汤就成。",
    "妈，门口的灯我换了新的，夜里出来您看得清道。",
)


def test_every_kind_of_bad_line_is_told_at_its_place(scenario: Scenario, tmp_path: Path) -> None:
    rows = [
        row("s1", TEXTS[0]),
        row("s1", TEXTS[1]),
        row("d1", TEXTS[1], parent="s9"),
        row("d2", TEXTS[1], parent="d3"),
        row("d3", TEXTS[1], parent="d2"),
        row("s2", TEXTS[0].replace("水仙", "茉莉")),
        row("s3", "妈，值此新春之际，愿你万事如意。"),
        row("s4", TEXTS[2], relation="火星人"),
        row("s5", TEXTS[1]),
    ]
    path = write(tmp_path / "a.jsonl", rows)
    with path.open("ab") as file:
        file.write(b'{"id": \n' + json.dumps(row("s6"), ensure_ascii=False).encode("gbk"))
    checked = check(scenario, [path])
    told = {remark.line: str(remark.finding) for remark in reversed(checked.faults)}
    assert checked.lines == 11
    for line, said in ((2, "第 1 行重复"), (3, "s9"), (4, "圈"), (5, "圈"), (6, "s1"), (7, "值此"),
                       (8, "火星人"), (10, "JSON"), (11, "GBK")):  # fmt: skip
        assert said in told[line], line
    assert set(told) == {2, 3, 4, 5, 6, 7, 8, 10, 11}, "the good lines 1 and 9 are not blamed"
    assert [remark.line for remark in checked.remarks] == sorted(r.line for r in checked.remarks)


def test_copies_are_told_of_the_first_and_once(scenario: Scenario, tmp_path: Path) -> None:
    rows = [row(f"s{at}", TEXTS[at % 3]) for at in range(90)]
    faults = check(scenario, [write(tmp_path / "a.jsonl", rows)]).faults
    assert [fault.line for fault in faults] == list(range(4, 91))
    assert {fault.finding.gate for fault in faults} == {"near"}
    assert all(f"s{(fault.line - 1) % 3} " in str(fault.finding) for fault in faults)


def test_a_long_file_is_not_held_in_memory(scenario: Scenario, tmp_path: Path) -> None:
    """A million near-duplicates must not be in memory: what is kept of a line is small."""
    rows = (row(f"s{at}", TEXTS[at % 3], why="写" * 3000) for at in range(1_000))
    path = write(tmp_path / "a.jsonl", rows)
    check(scenario, [write(tmp_path / "warm.jsonl", [row()])])  # what is built once does not count
    tracemalloc.start()
    inspection = Inspection(scenario, [path])
    inspection.read()
    inspection.compare()
    count = sum(1 for _ in inspection.remarks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 997
    assert peak < path.stat().st_size / 3


def test_a_file_that_changes_meanwhile_is_said(scenario: Scenario, tmp_path: Path) -> None:
    for later in (
        [row("s1"), row("s2", TEXTS[1])],
        [row("s1")],
        [row("s1"), row("s3", TEXTS[1]), row("s2", TEXTS[2])],
    ):
        path = write(tmp_path / "a.jsonl", [row("s1"), row("s2", TEXTS[1]), row("s3", TEXTS[2])])
        inspection = Inspection(scenario, [path])
        inspection.read()
        inspection.compare()
        write(path, later)
        with pytest.raises(FencunError, match=r"a\.jsonl"):
            list(inspection.remarks())


def test_a_pipe_is_not_taken_for_an_empty_file(scenario: Scenario) -> None:
    outlet, inlet = os.pipe()
    os.write(inlet, json.dumps(row(text="妈，好。")).encode())
    os.close(inlet)
    inspection = Inspection(scenario, [Path(f"/dev/fd/{outlet}")])
    inspection.read(lambda done, total: None)
    assert inspection.lines == 1
    inspection.compare()
    with pytest.raises(FencunError, match="管道"):
        list(inspection.remarks())
    os.close(outlet)
