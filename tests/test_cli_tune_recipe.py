"""``fencun tune recipe``, as typed: what it would take, and the commands in their order."""

import json
from pathlib import Path

import pytest
from cli_case import run

from fencun.tune import recipe as recipes
from fencun.tune.machine import Machine

GIB = 1 << 30


@pytest.fixture(autouse=True)
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Machine(8, 16 * GIB, "cpu", "", 0, bf16=True, int8=True, cpu="c")
    monkeypatch.setattr(recipes, "look_around", lambda: found)


def test_where_there_is_no_room_it_says_so_and_writes_the_commands(tmp_path: Path) -> None:
    words = ("tune", "recipe", "--base", "qwen3-8b", "--out", str(tmp_path / "r"))
    made = json.loads(run(*words, "--json").stdout)
    assert (made["engine"], made["fits"], made["room"]) == ("llamafactory", False, 16 * GIB)
    assert Path(made["recipe"]).is_file()
    shown = run(*words).stdout
    assert "放不下" in shown
    for command in made["commands"]:
        assert command in shown
