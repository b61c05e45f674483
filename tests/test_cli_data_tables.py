"""Figures and maps as ``fencun data`` draws them in a terminal."""

import json
from pathlib import Path

from data_case import ONE, TWO, row, write
from typer.testing import CliRunner, Result

from fencun.cli import app_for


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


def test_stats_on_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path / "seeds.jsonl", [row("s1", ONE), row("s2", TWO)])
    with path.open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    drawn = fencun("data", "stats", path)
    assert drawn.exit_code == 0, drawn.output
    assert "distinct-2" in drawn.stdout
    assert "第 3 行" in drawn.stderr, "what is not counted is told"
    told = json.loads(fencun("data", "stats", path, "--json").stdout)
    assert told["lines"] == 2
    assert set(told) >= {"lengths", "openings", "endings", "distinct", "likeness", "tact"}


def test_the_map_on_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path / "seeds.jsonl", [row("s1", ONE), row("s2", TWO)])
    picture = tmp_path / "map.svg"
    drawn = fencun("data", "coverage", path, "--at-least", 2, "--svg", picture)
    assert drawn.exit_code == 0, drawn.output
    assert "再写两条：" in drawn.stdout
    assert "父母 × 小年：2 条" in picture.read_text(encoding="utf-8")
    told = json.loads(
        fencun("data", "coverage", path, "--rows", "style", "--columns", "tact", "--json").stdout
    )
    assert told["lines"] == 2
    assert sum(map(sum, told["counts"])) == 2
    wrong = fencun("data", "coverage", path, "--rows", "mood")
    assert "mood" in str(wrong.exception)
    assert wrong.exit_code == 1
