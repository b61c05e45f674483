"""A plan given to people as a sheet comes back as drafts."""

import csv
from pathlib import Path

import pytest
from breed_case import SEEDS, TEXTS, children, rows
from data_case import small_scenario
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.breeding_plan import write_plan
from fencun.scenario import Scenario


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    return small_scenario(tmp_path / "scenario", SEEDS)


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_from_plan_to_drafts_with_people(small: Scenario, tmp_path: Path, suffix: str) -> None:
    plan_file, sheet = tmp_path / "plan.jsonl", tmp_path / f"sheet{suffix}"
    write_plan(plan_file, children(2))
    common = ("--scenario", small.folder)
    handed = fencun("data", "breed", "--plan", plan_file, "--to-file", sheet, *common)
    assert handed.exit_code == 0, handed.output
    _fill_first(sheet, {"称呼": "爸", "正文": TEXTS[0]})
    out = tmp_path / "drafts.jsonl"
    done = fencun(
        "data", "import", sheet, "--out", out, "--breeder", "小李", "--run", "r1", *common
    )
    assert "收进 1 条" in done.stdout, done.output
    assert "1 行没写" in done.stdout
    (draft,) = rows(out)
    told = {key: draft[key] for key in ("id", "parent", "text", "breeder", "run", "occasion")}
    assert told == {"id": "b0001", "parent": "s1", "text": TEXTS[0], "breeder": "小李",
                    "run": "r1", "occasion": "小年"}  # fmt: skip


def _fill_first(sheet: Path, cells: dict[str, str]) -> None:
    if sheet.suffix == ".csv":
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file))
        for name, value in cells.items():
            table[1][table[0].index(name)] = value
        with sheet.open("w", encoding="gbk", newline="") as file:  # as Excel on Windows saves it
            csv.writer(file).writerows(table)
        return
    from openpyxl import load_workbook

    book = load_workbook(sheet)
    page = book["fencun"]
    header = [cell.value for cell in page[1]]
    for name, value in cells.items():
        page.cell(2, header.index(name) + 1, value)
    book.save(sheet)
