"""``fencun data plan``, ``breed``, ``restore`` on the command line."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from breed_case import SEEDS, TEXTS, Author, children, rows
from data_case import small_scenario
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.breeding_plan import write_plan
from fencun.data.breeding_run import BreedingRun
from fencun.data.lines import Line, read_lines
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    return small_scenario(tmp_path / "scenario", SEEDS)


@pytest.fixture
def lines(small: Scenario) -> list[Line]:
    return read_lines([small.folder / "seeds.jsonl"], small).lines


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


def test_from_plan_to_drafts_with_a_model(
    small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = iter(TEXTS)

    def answer(*_: Any) -> str:
        text = next(texts)
        fields = {"salutation": text[0], "detail": "", "text": text, "why": ""}
        return json.dumps(fields, ensure_ascii=False)

    engine = FakeEngine(answer, name="m")
    monkeypatch.setattr("fencun.models.open.open_engine", lambda *_, **__: engine)
    plan_file, out = tmp_path / "plan.jsonl", tmp_path / "run"
    common = ("--scenario", small.folder)
    planned = fencun("data", "plan", 2, "--out", plan_file, *common)
    assert planned.exit_code == 0, planned.output
    write_plan(plan_file, children(2))
    done = fencun("data", "breed", "--plan", plan_file, "--out", out, *common, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kept"] == 2
    assert engine.closed
    brought = fencun("data", "import", out / "drafts.jsonl", *common,
                     "--out", small.folder / "drafts.jsonl")  # fmt: skip
    assert "收进 2 条" in brought.stdout
    (first, _) = rows(small.folder / "drafts.jsonl")
    assert (first["breeder"], first["run"]) == ("m", "run")


def test_money_needs_prices(small: Scenario, tmp_path: Path) -> None:
    plan_file = tmp_path / "plan.jsonl"
    write_plan(plan_file, children(1))
    ended = fencun("data", "breed", "--plan", plan_file, "--max-money", 1, "--out", tmp_path / "o",
                   "--scenario", small.folder)  # fmt: skip
    assert "--price-in" in str(ended.exception)


def test_restore_on_the_command_line(small: Scenario, lines: list[Line], tmp_path: Path) -> None:
    asyncio.run(BreedingRun(small, tmp_path, children(1), lines, tries=1).breed(Author(["爸好"])))
    done = fencun("data", "restore", tmp_path, "b0001", "--scenario", small.folder)
    assert "拿回 1 条" in done.stdout
    again = fencun("data", "restore", tmp_path, "b0001", "--scenario", small.folder)
    assert again.exit_code == 1
