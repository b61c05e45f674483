"""The good lines are worked on; the bad ones are told, and counted."""

from pathlib import Path

import pytest
from data_case import row, write

from fencun.cli.data_lines import good_lines
from fencun.scenario import Scenario


def test_bad_lines_are_told_and_left_out(
    scenario: Scenario, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [row(f"s{n}", relation="火星人") for n in range(30)]
    path = write(tmp_path / "seeds.jsonl", [row("a"), *bad, row("b")])
    assert [line.id for line in good_lines(scenario, [path])] == ["a", "b"]
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 21, "the first twenty, and how many there are"
    assert "第 2 行" in told[0]
    assert told[-1].startswith("30 行")
