"""Rows in the forms of trainers come back in as flat rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from data_case import row, small_scenario
from import_case import GOOD, Found, table

from fencun.data.export import FORMATS, Format, rows
from fencun.files import Json, sha256_json
from fencun.records import Sample
from fencun.scenario import Scenario

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
    said = [("developer", "你会拜年"), ("user", ASKED), ("assistant", ANSWER)]
    chat = {"messages": [{"role": role, "content": text} for role, text in said]}
    found = Found(dumped(tmp_path, [chat]), scenario)
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
