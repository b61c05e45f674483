"""A gate or a reason is called the same wherever it is shown."""

import re
from pathlib import Path

import pytest

from fencun import labels
from fencun.evaluate import records
from fencun.gates import Gates
from fencun.labels import GATES, gate_label
from fencun.scenario import Scenario
from fencun.store import reviews

SOURCE = Path(labels.__file__).parent
TABLE = re.compile(r"""['"]?(?:tact|exposed|copying)['"]?\s*:\s*[(\["']*[\u4e00-\u9fff]""")


def test_every_gate_of_a_scenario_has_a_label(scenario: Scenario) -> None:
    assert set(Gates(scenario).names) <= set(GATES)
    assert gate_label("a_new_one") == "a_new_one"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_label_is_in_the_language_asked_for(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("FENCUN_LANG", language)
    for name, label in GATES.items():
        assert gate_label(name) == label[language == "en"]


def test_there_is_one_table() -> None:
    files = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.js"), *SOURCE.rglob("*.html")]
    tables = [path.name for path in files if TABLE.search(path.read_text(encoding="utf-8"))]
    # A drafted scenario's kinds of proposal are no gates and no reasons.
    assert set(tables) == {"labels.py", "scenario_draft.py"}


def test_raters_and_reviewers_give_the_same_reason_the_same_name() -> None:
    shared = records.REASONS.keys() & reviews.REASONS.keys()
    assert {"exposed", "invented", "unlike"} <= shared
    for reason in shared:
        assert records.REASONS[reason] == reviews.REASONS[reason]  # type: ignore[index]
    assert {*records.REASONS, *reviews.REASONS} == set(labels.REASONS)
    assert labels.REASONS["exposed"] == GATES["tact"]
