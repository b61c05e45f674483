"""What the tests of gates share: a brief in a few words, and what one gate marks in a text."""

import json
from pathlib import Path

from fencun.brief import Brief, parse_brief
from fencun.gates import Gate, Severity
from fencun.scenario import Scenario

_DATA = Path(__file__).parent / "data"
_DEFAULT = {
    "salutation": "王老师",
    "relation": "老师导师",
    "detail": "",
    "occasion": "除夕",
    "style": "真诚走心",
    "length": "短",
}


def asked(scenario: Scenario, **fields: str) -> Brief:
    """Return a brief of the shipped scenario that differs from a plain one by ``fields``."""
    return parse_brief(scenario, {**_DEFAULT, **fields})


def marked(gate: Gate, text: str, brief: Brief) -> list[tuple[Severity, str]]:
    """Return severity and marked words of each finding; offsets are checked to lie in the text."""
    found = list(gate.check(text, brief))
    for finding in found:
        assert finding.gate == gate.name
        assert 0 <= finding.start <= finding.end <= len(text)
        assert finding.zh
        assert finding.en
        assert len(finding.zh) <= 60
    return [(finding.severity, text[finding.start : finding.end]) for finding in found]


def data_rows(name: str) -> list[dict[str, str | None]]:
    """Return the rows of the file ``name`` in ``tests/data``."""
    return [json.loads(line) for line in (_DATA / name).read_text(encoding="utf-8").splitlines()]
