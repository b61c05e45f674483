"""Tables from elsewhere come in whole or say why not; nothing private, nothing lost."""

import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from data_case import TEXT, row, small_scenario, write
from import_case import GOOD, HEADER, Found, table
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.importing import ImportNotes, RefusedRow, keep, read_rows
from fencun.errors import FencunError
from fencun.files import read_jsonl
from fencun.scenario import Scenario


def test_a_table_is_understood_as_people_type_it(scenario: Scenario, tmp_path: Path) -> None:
    found = Found(table(tmp_path, GOOD), scenario)
    assert not found.refused
    (taken,) = found.rows
    assert taken["relation"] == "老师导师"
    assert taken["occasion"] == "除夕"
    assert taken["style"] == "真诚走心"
    assert taken["id"].startswith("i")
    assert "parent" not in taken


def test_a_bad_row_says_its_number_and_costs_no_other(scenario: Scenario, tmp_path: Path) -> None:
    bad = [GOOD.replace("高中班主任", "火星人"), GOOD.replace("王老师,", ",", 1),
           f"{GOOD},多,出,来", GOOD.rsplit(",", 1)[0] + ","]  # fmt: skip
    found = Found(table(tmp_path, *bad, GOOD), scenario)
    assert len(found.rows) == 1
    assert [refused.number for refused in found.refused] == [2, 3, 4, 5]
    for refused, said in zip(found.refused, ("火星人", "称呼", "表头", "text"), strict=True):
        assert said in refused.zh
        assert f"第 {refused.number} 行" in refused.zh
    assert found.refused[0].row["关系"] == "火星人", "what was given is kept to be mended"


def test_columns_are_mapped(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text(
        "怎么叫\t是谁\t话\t备注\n王老师\t班主任\t王老师，作文本我还留着，给您拜年了。\t乱写的\n",
        "utf-8",
    )
    with pytest.raises(FencunError, match="话"):
        Found(path, scenario)
    columns = {"怎么叫": "salutation", "是谁": "relation", "话": "text"}
    (taken,) = Found(path, scenario, columns=columns).rows
    assert (taken["salutation"], taken["occasion"]) == ("王老师", "初一拜年")
    for wrong, said in (
        ({"话": "mood"}, "mood"), ({"没有": "text"}, "没有"), ({"备注": "text"}, "话、备注"),
    ):  # fmt: skip
        with pytest.raises(FencunError, match=said):
            Found(path, scenario, columns={**columns, **wrong})


def test_json_lines_of_our_own_come_back_as_they_were(scenario: Scenario, tmp_path: Path) -> None:
    draft = row("d1", parent="s1", detail="离婚后头一回回家", breeder="小李", run="r1",
                tact={"topic": "离婚分手", "handling": "不提"})  # fmt: skip
    path = tmp_path / "d.jsonl"
    lines = [json.dumps(draft, ensure_ascii=False), "{broken", "[1]", json.dumps({"id": "x"})]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = Found(path, scenario)
    assert found.rows == [draft]
    assert [refused.number for refused in found.refused] == [2, 3, 4]


def test_private_data_are_refused_or_masked(scenario: Scenario, tmp_path: Path) -> None:
    path = table(tmp_path, GOOD.replace("总帮我改作文", "他电话13912345678"), GOOD)
    refused = Found(path, scenario)
    assert [r.number for r in refused.refused] == [2]
    assert "电话" in refused.refused[0].zh
    assert len(refused.rows) == 1
    masked = Found(path, scenario, masking=True)
    assert masked.rows[0]["detail"] == "他电话［电话］"
    assert masked.masked == {"phone": 1}


def test_nothing_comes_twice(scenario: Scenario, tmp_path: Path) -> None:
    path = table(tmp_path, GOOD, GOOD)
    found = Found(path, scenario)
    assert (len(found.rows), [r.number for r in found.refused]) == (1, [3])
    again = Found(path, scenario, taken=found.rows)
    assert (len(again.rows), len(again.refused)) == (0, 2)


def test_what_was_there_stays_byte_for_byte(scenario: Scenario, tmp_path: Path) -> None:
    out = tmp_path / "seeds.jsonl"
    before = json.dumps(row("s1")).encode() + b"\n{broken"
    out.write_bytes(before)
    found = Found(table(tmp_path, GOOD, GOOD.replace("班主任", "火星人")), scenario)
    kept = keep(found.entries, out)
    assert (kept.taken, kept.refused) == (1, 1)
    assert out.read_bytes().startswith(before + b"\n")
    assert len(out.read_bytes().splitlines()) == 3
    assert kept.beside is not None
    (refused,) = [given for _, given in read_jsonl(kept.beside)]
    assert isinstance(refused, dict)
    assert refused["row"] == 3


def test_what_breaks_off_in_the_middle_changes_nothing(scenario: Scenario, tmp_path: Path) -> None:
    out = tmp_path / "seeds.jsonl"
    out.write_bytes(b"there\n")

    def broken() -> Iterator[dict[str, Any] | RefusedRow]:
        yield row("s1")
        yield RefusedRow(2, "坏", "bad", {})
        raise FencunError("断了", "gone")

    with pytest.raises(FencunError, match="断了"):
        keep(broken(), out)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {out.name: b"there\n"}


def test_a_pipe_or_a_folder_is_refused(scenario: Scenario, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ""):
        with pytest.raises(FencunError, match="不是文件"):
            Found(tmp_path / name, scenario)
    with pytest.raises(FencunError, match="打不开"):
        Found(tmp_path / "nowhere.csv", scenario)


def test_a_long_table_is_not_held_in_memory(scenario: Scenario, tmp_path: Path) -> None:
    path, out = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    write(path, (row(f"s{at}", f"{at:05}{TEXT}", 备注="好" * 3000) for at in range(500)))
    keep(
        read_rows(path, scenario, ImportNotes()), tmp_path / "warm.jsonl"
    )  # built once, not counted
    tracemalloc.start()
    kept = keep(read_rows(path, scenario, ImportNotes()), out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.taken == 500
    assert peak < path.stat().st_size / 3


def test_nothing_taken_is_a_failure_and_names_no_file(tmp_path: Path) -> None:
    small = small_scenario(tmp_path / "scenario", [row("s1")])
    path = table(tmp_path, "王老师,外星人,,除夕,真诚,短,王老师，过年好。")
    out = tmp_path / "in.jsonl"
    done = fencun("data", "import", path, "--out", out, "--scenario", small.folder)
    assert done.exit_code == 1
    assert "收进 0 条；没收 1 条" in done.stdout
    assert "in.jsonl" not in done.stdout.replace("in.refused.jsonl", "")
    assert not out.exists()


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


def test_import_on_the_command_line(tmp_path: Path) -> None:
    small = small_scenario(tmp_path / "scenario", [row("s1")])
    path = tmp_path / "t.csv"
    path.write_bytes(f"叫法,{HEADER}\n老师,{GOOD}\n老师,,,,,,,\n".encode("gbk"))
    out = tmp_path / "in.jsonl"
    common: tuple[Any, ...] = ("--out", out, "--scenario", small.folder)
    done = fencun("data", "import", path, *common, "--map", "叫法=-")
    assert done.exit_code == 0, done.output
    assert "收进 1 条" in done.stdout
    assert "1 行没写" in done.stdout
    assert "GBK" in done.stderr
    again = json.loads(fencun("data", "import", path, *common, "--json").stdout)
    assert (again["taken"], len(again["refused"]), again["blank"]) == (0, 1, 1)
    wrong = fencun("data", "import", path, *common, "--map", "叫法")
    assert "--map" in str(wrong.exception)
