"""The table of docs/gates: every gate has a row, and every example is what its gate says no to."""

import re
from datetime import date
from pathlib import Path

import pytest
from gate_case import asked

from fencun.gates import Gates
from fencun.scenario import Scenario

_DOCS = Path(__file__).parents[1] / "docs"
_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_DETAIL = "高三晚自习后常留下来给我讲数学题，去年刚离婚"


@pytest.mark.parametrize("page", ["gates.md", "gates.zh-CN.md"])
def test_every_gate_is_told_with_an_example_that_it_marks(scenario: Scenario, page: str) -> None:
    gates = Gates(scenario, today=date(2026, 11, 24))
    text = (_DOCS / page).read_text(encoding="utf-8")
    assert _DETAIL in text
    rows = _ROW.findall(text)
    assert tuple(name for name, _ in rows) == gates.names
    for name, example in rows:
        found = gates.check(example, asked(scenario, detail=_DETAIL))
        # Short lines are quick to read: their length is only the first row's matter.
        assert name in {finding.gate for finding in found}, (name, example)
        assert {finding.gate for finding in found} <= {name, "length"}, (name, example, found)
