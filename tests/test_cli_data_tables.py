"""Figures and maps as ``fencun data`` draws them in a terminal."""

import json
from pathlib import Path

import pytest
from data_case import line, row, write
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.lines import Line
from fencun.scenario import Scenario

ONE = "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。"
TWO = "妈，门口的灯我换了新的，夜里出来您看得清道。"


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


@pytest.fixture
def lines(scenario: Scenario) -> list[Line]:
    return [
        line(scenario, "s1", ONE),
        line(scenario, "s2", TWO),
        line(
            scenario, "s3", "哥，值此新春之际，愿你万事如意。", salutation="哥", relation="兄弟姐妹"
        ),
        line(
            scenario, "s4", "嫂子，灯还亮着，我给你留了碗汤。", salutation="嫂子",
            relation="亲戚平辈晚辈", detail="她刚离婚",
            tact={"topic": "离婚分手", "handling": "不提"},
        ),
    ]  # fmt: skip


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
