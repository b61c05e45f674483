"""``fencun tune compare``, as typed: who writes, for which brief, and how it is shown."""

import json
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from cli_case import run

from fencun.brief import Brief
from fencun.gates import Finding
from fencun.tune import compare


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Brief, str]]:
    """What was asked of those who write; one of them writes a cliché."""
    seen: list[tuple[list[str], Brief, str]] = []
    fault = Finding("cliche", "fault", 0, 2, "套话。", "A cliché.")

    def write(sides: Sequence[str], brief: Brief, base: str) -> list[SimpleNamespace]:
        seen.append((list(sides), brief, base))
        return [
            SimpleNamespace(name=name, text=f"{name}的话", findings=(fault,) if not at else ())
            for at, name in enumerate(sides)
        ]

    monkeypatch.setattr(compare, "compare", write)
    return seen


def test_both_are_shown_with_what_the_gates_say(
    asked: list[tuple[list[str], Brief, str]],
) -> None:
    shown = run("tune", "compare", "base", "runs/one", "--ask", "salutation=王老师",
                "--ask", "relation=高中班主任", "--base", "b")  # fmt: skip
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == "── base\nbase的话\n套话。\n── runs/one\nruns/one的话\n过关\n"
    ((sides, brief, base),) = asked
    assert (sides, base, brief.values["relation"]) == (["base", "runs/one"], "b", "老师导师")


def test_without_a_brief_the_example_of_the_scenario_is_taken(
    asked: list[tuple[list[str], Brief, str]],
) -> None:
    (row,) = json.loads(run("tune", "compare", "base", "--json").stdout)
    assert row["findings"] == [{"gate": "cliche", "severity": "fault", "message": "套话。"}]
    assert asked[0][1].values["salutation"]


def test_a_field_without_its_value_is_told(asked: list[tuple[list[str], Brief, str]]) -> None:
    failed = run("tune", "compare", "base", "--ask", "王老师")
    assert failed.exit_code == 2
    assert "--ask 要写成 名=值" in failed.output
    assert not asked
