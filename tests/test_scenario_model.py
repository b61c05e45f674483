import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fencun.brief import parse_brief
from fencun.errors import ScenarioError
from fencun.gates import Gates
from fencun.scenario import Scenario, load_scenario, scenario_names

_TOPIC = {"name": "x", "en": "x", "handling": "不提", "words": ["y"]}
_TINY = Path(__file__).parent / "data" / "tiny_scenario"


def declared(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = yaml.safe_load((_TINY / "scenario.yaml").read_text(encoding="utf-8"))
    return {**base, **changes}


def written(folder: Path, content: Any) -> Path:
    path = folder / "scenario.yaml"
    text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_scenario_is_what_the_charter_says(scenario: Scenario) -> None:
    assert [d.label for d in scenario.dimensions] == [
        "称呼", "关系", "交往细节", "场合", "风格", "篇幅",
    ]  # fmt: skip
    sizes = [len(d.choices) for d in scenario.dimensions]
    assert sizes == [0, 26, 0, 13, 8, 4]
    ranges = [(c.range.min, c.range.max) for c in scenario.dimension("length").choices if c.range]
    assert ranges == [(10, 30), (30, 60), (60, 110), (110, 180)]
    assert {t.name for t in scenario.tact} >= {
        "离婚分手", "重病", "亲人去世", "失业裁员", "欠钱借钱", "官司纠纷", "考试失利",
        "不孕流产", "催婚催生", "家庭矛盾", "对方经营困难", "痊愈的手术",
    }  # fmt: skip


def test_its_prompt_examples_pass_its_own_gates(scenario: Scenario) -> None:
    gates = Gates(scenario)
    assert len(scenario.examples) >= 3
    for example in scenario.examples:
        brief = parse_brief(scenario, {k: v for k, v in example.items() if k != "text"})
        faults = [f for f in gates.check(example["text"], brief) if f.gate != "leak"]
        assert faults == []


def test_a_scenario_is_found_by_name_folder_and_file() -> None:
    assert "spring_festival" in scenario_names()
    assert load_scenario("spring_festival").name == "spring_festival"
    assert load_scenario(_TINY) is load_scenario(str(_TINY / "scenario.yaml"))
    assert load_scenario(_TINY).folder == _TINY


def test_what_is_not_there_is_named_with_what_is() -> None:
    with pytest.raises(ScenarioError, match="spring_festival"):
        load_scenario("no_such_scenario")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("dimensions: [", "第 1 行：方括号、花括号或引号没有配好"),
        ("- just\n- a list", "没有声明"),
        (declared(colour="red"), "colour"),
        (declared(dimensions=[]), "dimensions"),
        (declared(rules={"cliches": ["(unclosed"]}), "unclosed"),
        (declared(tact=[{**_TOPIC, "cues": ["*"]}]), "cues"),
        (declared(dimensions=[{"name": "a", "label": "甲", "en": "A", "kind": "choice"}]), "a"),
        (
            declared(
                dimensions=[
                    {"name": n, "label": n, "en": n, "kind": "text", "role": "detail"}
                    for n in ("a", "b")
                ]
            ),
            "name 或 role",
        ),
        (
            declared(
                dimensions=[
                    {
                        "name": "a", "label": "甲", "en": "A", "kind": "choice",
                        "choices": [
                            {"value": "一", "en": "1", "aliases": ["同"]},
                            {"value": "二", "en": "2", "aliases": ["同"]},
                        ],
                    }
                ]
            ),
            "同",
        ),
        (
            declared(
                dimensions=[
                    {
                        "name": "a", "label": "甲", "en": "A", "kind": "length",
                        "choices": [{"value": "短", "en": "s", "range": {"min": 9, "max": 3}}],
                    }
                ]
            ),
            "min 比 max 大",
        ),
    ],
)  # fmt: skip
def test_a_wrong_declaration_says_where(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(says)):
        load_scenario(written(tmp_path, content))


def test_a_file_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_bytes("标题: 春节".encode("gbk"))
    with pytest.raises(ScenarioError):
        load_scenario(path)


def test_yaml_is_data(tmp_path: Path) -> None:
    path = written(tmp_path, "name: !!python/object/apply:os.getcwd []")
    with pytest.raises(ScenarioError):
        load_scenario(path)


_BROKEN = """\
name: Leave
title: 请假条
en: Leave note
product: 请假条
product_en: leave note
dimensions:
  - name: to
    lable: 收条人
    en: To
    kind: text
  - name: size
    label: 长短
    en: Size
    kind: lenght
    max_chars: 多
    choices:
      - {value: 短, en: short, range: {min: 9, max: 3}}
tact: 痔疮
rules:
  cliches: ['(没关']
  cliches: [好]
"""


def test_all_mistakes_are_told_at_once_with_line_and_how_to_mend(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as raised:
        load_scenario(written(tmp_path, _BROKEN))
    assert raised.value.zh.splitlines()[1:] == [
        "第 1 行：name：要用小写英文字母和下划线，字母打头",
        "第 8 行：dimensions.1.lable：没有 lable 这一项，是不是 label？",
        "第 14 行：dimensions.2.kind：只能是 'text', 'choice' or 'length'",
        "第 15 行：dimensions.2.max_chars：要写整数",
        "第 17 行：dimensions.2.choices.1.range：min 比 max 大",
        "第 18 行：tact：要写成列表，如 [甲, 乙]",
        "第 21 行：cliches 写了两次（第 20 行也有）",
    ]
    assert "line 8: dimensions.1.lable: there is no key lable; did you mean label?" in (
        raised.value.en.splitlines()
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name: a\n\ttitle: b", "第 2 行：缩进不能用 Tab"),
        ("name: a\ntitle：b\nen: c", "第 2 行：冒号要用英文的"),
        ("title: 他说: 好", "第 1 行：一行里多了冒号"),
        ("name：请假\n", "冒号要用英文的"),
        ("name: a\nname: a", "第 2 行：name 写了两次"),
    ],
)
def test_what_is_no_yaml_says_how_to_mend_it(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        load_scenario(written(tmp_path, content))
