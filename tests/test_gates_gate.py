"""A finding speaks the language of the process."""

import pytest

from fencun.gates.gate import Finding


def test_a_finding_is_said_in_the_language_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding("length", "fault", 0, 0, "太长了。", "Too long.")
    assert str(finding) == "太长了。"
    monkeypatch.setenv("FENCUN_LANG", "en")
    assert str(finding) == "Too long."
