"""Tables as people have them: CSV in any encoding, Excel, JSON Lines; headings found."""

from pathlib import Path

import pytest
from import_case import GOOD, HEADER, Found, table
from openpyxl import Workbook

from fencun.data.spreadsheets import SheetLayout
from fencun.errors import FencunError
from fencun.scenario import Scenario


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("gbk", "GBK"), ("utf-8-sig", "BOM"), ("utf-16", "UTF-16"), ("gb18030", "GBK")],
)
def test_encodings_are_tolerated_with_a_word(
    scenario: Scenario, tmp_path: Path, encoding: str, said: str
) -> None:
    found = Found(table(tmp_path, GOOD, encoding=encoding), scenario)
    assert [given["salutation"] for given in found.rows] == ["王老师"]
    assert any(said in note for note in found.notes)


def test_what_is_no_text_at_all_is_refused_whole(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(HEADER.encode() + b"\n\xff\xff\xff")
    with pytest.raises(FencunError, match="第 2 行"):
        Found(path, scenario)


def test_quoted_line_breaks_keep_the_count(scenario: Scenario, tmp_path: Path) -> None:
    broken = GOOD.replace("总帮我改作文", '"总帮我\n改作文"')
    found = Found(table(tmp_path, broken, GOOD.replace("高中班主任", "火星人")), scenario)
    assert found.rows[0]["detail"] == "总帮我 改作文"
    assert found.refused[0].number == 4


def test_excel(scenario: Scenario, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (HEADER, GOOD):
        sheet.append(line.split(","))
    sheet.append([None] * 7)
    sheet.append(["王老师", "火星人", 3, None, None, None, "好"])
    path = tmp_path / "t.xlsx"
    book.save(path)
    found = Found(path, scenario)
    assert [taken["relation"] for taken in found.rows] == ["老师导师"]
    assert [refused.number for refused in found.refused] == [4]
    path.write_bytes(b"PK not really")
    with pytest.raises(FencunError, match="xlsx"):
        Found(path, scenario)
    with pytest.raises(FencunError, match="xls"):
        Found(tmp_path / "old.xls", scenario)


def test_a_title_above_the_headings_is_asked_about(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"2027 年祝福汇总,,,,,,\n{HEADER}\n{GOOD}\n", encoding="utf-8")
    with pytest.raises(FencunError, match=r"第 2 行像是表头.*--header 2"):
        Found(path, scenario)
    assert len(Found(path, scenario, layout=SheetLayout(header=2)).rows) == 1


def test_two_columns_of_one_name_are_asked_about(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER},正文\n{GOOD},另一句\n", encoding="utf-8")
    with pytest.raises(FencunError, match="第 1 行有 2 列都叫“正文”"):
        Found(path, scenario)


def test_traditional_headings_are_read(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"稱呼,關係,交往細節,場合,風格,篇幅,正文\n{GOOD}\n", encoding="utf-8")
    assert [taken["salutation"] for taken in Found(path, scenario).rows] == ["王老师"]


def test_of_several_sheets_one_is_asked_for(scenario: Scenario, tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "甲"
    book.active.append(["说明", "随便写的"])
    book.create_sheet("空")
    sheet = book.create_sheet("乙")
    for line in (HEADER, GOOD):
        sheet.append(line.split(","))
    path = tmp_path / "t.xlsx"
    book.save(path)
    with pytest.raises(FencunError, match=r"几张表：甲、乙。.*--sheet"):
        Found(path, scenario)
    assert len(Found(path, scenario, layout=SheetLayout(sheet="乙")).rows) == 1
    with pytest.raises(FencunError, match="没有叫“丙”的表"):
        Found(path, scenario, layout=SheetLayout(sheet="丙"))
    book.remove(book["甲"])
    book.save(path)
    assert len(Found(path, scenario).rows) == 1, "an empty sheet is no second one"


def test_formulas_without_results_and_errors_are_told(scenario: Scenario, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (HEADER, GOOD):
        sheet.append(line.split(","))
    sheet.append([*GOOD.split(",")[:-1], '=A2&"，给您拜年"'])
    sheet.append([*GOOD.split(",")[:-1], "#REF!"])
    path = tmp_path / "t.xlsx"
    book.save(path)
    found = Found(path, scenario)
    assert len(found.rows) == 1
    assert ["#REF!" in refused.zh for refused in found.refused] == [False, True]
    assert any("公式" in note for note in found.notes)


def test_a_workbook_that_the_library_stumbles_over_is_refused(
    scenario: Scenario, tmp_path: Path
) -> None:
    book = Workbook()
    book.create_chartsheet("图")
    path = tmp_path / "t.xlsx"
    book.save(path)
    with pytest.raises(FencunError, match="打不开"):
        Found(path, scenario)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.csv", "", "空文件"),
        ("t.jsonl", "\n \n", "一行内容也没有"),
        ("t.csv", f"{HEADER}\n", "一行内容也没有"),
        ("t.json", '[\n{"正文": "好"},\n]', "第 3 行第 1 个字符"),
        ("t.json", '{"正文": "好", "正文": "不好"}', "“正文”写了两次"),
    ],
)
def test_why_nothing_is_taken_is_told(
    scenario: Scenario, tmp_path: Path, name: str, text: str, told: str
) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(FencunError, match=told):
        Found(path, scenario)


def test_lines_of_json_are_read_or_told_why_not(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    good = '{"称呼": "王老师", "关系": "老师", "正文": "王老师，作文本我还留着，给您拜年了。"}'
    twice = '{"称呼": "王老师", "关系": "老师", "关系": "同事", "正文": "王老师，过年好。"}'
    thought = good.replace("王老师，作文本", "<think>想</think>王老师，作文本")
    path.write_text(f"{good},\n{twice}\n{thought}\n3\n", "utf-8")
    found = Found(path, scenario)
    assert len(found.rows) == 1
    told = [refused.zh for refused in found.refused]
    assert ["“关系”写了两次" in told[0], "思考" in told[1], "对象" in told[2]] == [True] * 3
    path = tmp_path / "t.json"
    path.write_text("3", "utf-8")
    assert "对象" in Found(path, scenario).refused[0].zh


@pytest.mark.parametrize("separator", ["|", ";", "\t"])
def test_columns_are_told_apart_however_they_are_separated(
    scenario: Scenario, tmp_path: Path, separator: str
) -> None:
    heads = "称 呼*,关系（必填）,交往细节：,场合,风格,篇幅/字数,祝福语"
    lines = [line.replace(",", separator) for line in (heads, GOOD, GOOD.replace("王", "火星"))]
    path = tmp_path / "t.csv"
    path.write_text("\n".join((f"sep={separator}", *lines)), "utf-8")
    found = Found(path, scenario)
    assert found.rows[0]["salutation"] == "王老师"
    assert [refused.number for refused in found.refused] == []
