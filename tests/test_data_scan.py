"""What is remembered of a line, and what one process says of lines by themselves."""

from pathlib import Path

from data_case import ONE, TWO, line, row, write

from fencun.data.likeness import near_duplicates
from fencun.data.lines import BadLine, iterate_lines
from fencun.data.scan import LocalScan, Seen
from fencun.scenario import Scenario


def test_what_is_remembered_tells_samples_from_others_and_lines_that_cannot_be_read(
    scenario: Scenario, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.jsonl", [row("s1"), row("d1", TWO, parent="s1"), {"id": "s2"}])
    seen = list(LocalScan(scenario, [path]).seen())
    assert [(s.number, s.id, s.parent, s.readable) for s in seen] == [
        (1, "s1", None, True), (2, "d1", "s1", True), (3, "", None, False),
    ]  # fmt: skip
    assert {s.family for s in seen} == {None}
    assert seen[0].salutation == "妈"
    bad = next(each for each in iterate_lines(path, scenario) if isinstance(each, BadLine))
    assert Seen.of(4, bad) == Seen(4, 3, readable=False)


def test_findings_come_line_by_line_and_alike_lines_by_their_places(
    scenario: Scenario, tmp_path: Path
) -> None:
    faulty = "妈，值此新春之际，愿你万事如意。"
    path = write(tmp_path / "a.jsonl", [row("s1"), row("s2", faulty), {"id": "s3"}])
    scan = LocalScan(scenario, [path])
    found = list(scan.findings(list(scan.seen())))
    assert [[each.gate for each in some][:1] for some in found] == [[], ["cliche"], ["record"]]
    judged = scan.judged([line(scenario, "s1"), line(scenario, "s2", faulty)])
    assert list(judged) == found[:2]
    texts = [ONE, TWO, ONE[:-2] + "洗。"]
    assert scan.near(texts) == near_duplicates(texts, once=True) != []
