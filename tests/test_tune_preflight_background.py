"""Preflight in a process of its own, and what the last one found."""

import asyncio

import pytest

from fencun.errors import FencunError
from fencun.tune.preflight import background
from fencun.tune.runs.processes import tuning_dir


def test_a_command_of_ours_is_run_and_its_json_returned() -> None:
    found = asyncio.run(background.ask(["model", "list", "--json"]))
    assert {"qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"} <= {one["name"] for one in found["models"]}


def test_what_a_command_says_when_it_fails_is_passed_on() -> None:
    with pytest.raises(FencunError, match="nosuch"):
        asyncio.run(background.ask(["tune", "plan", "--json", "--scenario", "nosuch"]))


def test_what_was_found_is_kept_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert background.last_plan() is None

    async def ask(words: list[str]) -> dict[str, object]:
        return {"estimates": [], "words": words}

    monkeypatch.setattr(background, "ask", ask)
    kept = asyncio.run(background.plan(["--preset", "tiny"]))
    assert kept["words"] == ["tune", "plan", "--json", "--preset", "tiny"]
    assert background.last_plan() == kept
    (tuning_dir() / "plan.json").write_text("[]", encoding="utf-8")
    assert background.last_plan() is None
