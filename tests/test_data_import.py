"""Tables from elsewhere come in whole or say why not; nothing private, nothing lost."""

import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from data_case import TEXT, row, small_scenario, write
from openpyxl import Workbook
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.export import FORMATS, Format, rows
from fencun.data.importing import Refused, Told, keep, read_rows
from fencun.data.tables import Layout
from fencun.errors import FencunError
from fencun.files import Json, read_jsonl, sha256_json
from fencun.records import Sample
from fencun.scenario import Scenario

HEADER = "称呼,关系,交往细节,场合,风格,篇幅,正文"
GOOD = "王老师,高中班主任,总帮我改作文,大年三十,真诚,一句话,“王老师，作文本我还留着，给您拜年了。”"


class Found(Told):
    """All that a table held, in memory."""

    def __init__(self, path: Path, scenario: Scenario, **options: Any) -> None:
        super().__init__()
        self.entries = list(read_rows(path, scenario, self, **options))
        self.rows = [entry for entry in self.entries if not isinstance(entry, Refused)]
        self.refused = [entry for entry in self.entries if isinstance(entry, Refused)]


def table(tmp_path: Path, *lines: str, encoding: str = "utf-8", name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes("\n".join((HEADER, *lines)).encode(encoding))
    return path


def test_a_table_is_understood_as_people_type_it(scenario: Scenario, tmp_path: Path) -> None:
    found = Found(table(tmp_path, GOOD), scenario)
    assert not found.refused
    (taken,) = found.rows
    assert taken["relation"] == "老师导师"
    assert taken["occasion"] == "除夕"
    assert taken["style"] == "真诚走心"
    assert taken["id"].startswith("i")
    assert "parent" not in taken


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


def test_quoted_line_breaks_keep_the_count(scenario: Scenario, tmp_path: Path) -> None:
    broken = GOOD.replace("总帮我改作文", '"总帮我\n改作文"')
    found = Found(table(tmp_path, broken, GOOD.replace("高中班主任", "火星人")), scenario)
    assert found.rows[0]["detail"] == "总帮我 改作文"
    assert found.refused[0].number == 4


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

    def broken() -> Iterator[dict[str, Any] | Refused]:
        yield row("s1")
        yield Refused(2, "坏", "bad", {})
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
    keep(read_rows(path, scenario, Told()), tmp_path / "warm.jsonl")  # built once, not counted
    tracemalloc.start()
    kept = keep(read_rows(path, scenario, Told()), out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.taken == 500
    assert peak < path.stat().st_size / 3


ASKED = "称呼：老周\n关系：发小\n交往细节：无\n场合：除夕\n风格：幽默\n篇幅：一句话（10到30字）"
ANSWER = "老周，树还在，咱俩爬不动了，给你拜年，少熬夜。"


def dumped(tmp_path: Path, value: Any, name: str = "t.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def sample(scenario: Scenario, line: Json) -> Sample:
    brief = {dimension.name: line[dimension.name] for dimension in scenario.dimensions}
    digest = sha256_json({"brief": brief, "text": line["text"]})
    identity, text = line["id"], line["text"]
    return Sample(id=identity, brief=brief, text=text, family=identity, generation=0, hash=digest)


@pytest.mark.parametrize("form", FORMATS)
def test_our_own_exports_come_back_in(tmp_path: Path, form: Format) -> None:
    lines = [row("s1"), {**row("s2"), "text": ANSWER, "detail": "", "salutation": "老周"}]
    small = small_scenario(tmp_path / "scenario", lines)
    samples = [sample(small, line) for line in lines]
    name = "t.json" if form in ("alpaca", "sharegpt", "llamafactory") else "t.jsonl"
    exported = rows(small, samples, form)
    path = tmp_path / name
    if name == "t.json":
        dumped(tmp_path, exported)
    else:
        lines_of = (json.dumps(each, ensure_ascii=False) for each in exported)
        path.write_text("\n".join(lines_of), encoding="utf-8")
    found = Found(path, small)
    assert not found.refused
    names = [*(d.name for d in small.dimensions), "text"]
    assert [[r[n] for n in names] for r in found.rows] == [[r[n] for n in names] for r in lines]


def test_content_as_parts_input_and_a_wrapped_array(scenario: Scenario, tmp_path: Path) -> None:
    head, tail = ASKED.split("\n", 1)
    parts = [{"type": "text", "text": head + "\n"}, {"type": "text", "text": tail}]
    answer = {"role": "assistant", "content": ANSWER}
    chat = {"messages": [{"role": "user", "content": parts}, answer]}
    for value in (chat, [chat], {"data": [chat]},
                  [{"instruction": head, "input": tail, "output": ANSWER}]):  # fmt: skip
        (taken,) = Found(dumped(tmp_path, value), scenario).rows
        assert (taken["salutation"], taken["length"], taken["text"]) == ("老周", "一句话", ANSWER)


def test_system_prompts_are_left_out_and_counted(scenario: Scenario, tmp_path: Path) -> None:
    turns = [{"from": "human", "value": ASKED}, {"from": "gpt", "value": ANSWER}]
    found = Found(dumped(tmp_path, [{"system": "你会拜年", "conversations": turns}]), scenario)
    assert len(found.rows) == found.systems == 1


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"messages": [{"role": "user", "content": ASKED},
                       {"role": "assistant", "content": ANSWER}] * 2}, "2 轮的对话"),
        ({"instruction": ASKED, "output": ANSWER, "history": [["在吗", "在"]]}, "2 轮的对话"),
        ({"messages": [{"role": "user", "content": ASKED}]}, "1 轮的对话"),
        ({"instruction": "给班主任写条祝福", "output": ANSWER}, "不是需求：给班主任写条祝福"),
        ({"messages": [{"role": "tool", "content": ASKED}]}, "有一轮对话读不了"),
        ({"prompt": [{"role": "user"}], "completion": ANSWER}, "有一轮对话读不了"),
        ([1], "不是一个 JSON 对象"),
    ],
)  # fmt: skip
def test_chats_that_cannot_be_taken_say_why(
    scenario: Scenario, tmp_path: Path, value: Any, says: str
) -> None:
    found = Found(dumped(tmp_path, value), scenario)
    assert found.rows == []
    (refused,) = found.refused
    assert says in refused.zh


def test_quotation_marks_inside_quotation_marks_are_not_lost(
    scenario: Scenario, tmp_path: Path
) -> None:
    bad = '老周,发小,他老说爬树,除夕,幽默,一句话,"老周，你说"树还在"，咱俩爬不动了。"'
    found = Found(table(tmp_path, bad, GOOD), scenario)
    assert [taken["salutation"] for taken in found.rows] == ["王老师"]
    assert "引号没有配好" in found.refused[0].zh
    doubled = bad.replace('你说"树还在"', '你说""树还在""')
    (taken,) = Found(table(tmp_path, doubled), scenario).rows
    assert taken["text"] == '老周，你说"树还在"，咱俩爬不动了。'


def test_a_title_above_the_headings_is_asked_about(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"2027 年祝福汇总,,,,,,\n{HEADER}\n{GOOD}\n", encoding="utf-8")
    with pytest.raises(FencunError, match=r"第 2 行像是表头.*--header 2"):
        Found(path, scenario)
    assert len(Found(path, scenario, layout=Layout(header=2)).rows) == 1


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
    assert len(Found(path, scenario, layout=Layout(sheet="乙")).rows) == 1
    with pytest.raises(FencunError, match="没有叫“丙”的表"):
        Found(path, scenario, layout=Layout(sheet="丙"))
    book.remove(book["甲"])
    book.save(path)
    assert len(Found(path, scenario).rows) == 1, "an empty sheet is no second one"


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
