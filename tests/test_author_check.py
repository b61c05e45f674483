"""What ``fencun scenario check`` finds: each thing that is wrong, or will be."""

import json
from pathlib import Path

import pytest
import yaml

from fencun.author.check import look_over
from fencun.author.new import make
from fencun.scenario import load_scenario


@pytest.fixture
def folder() -> Path:
    return make("mine")


def change(folder: Path, **changes: object) -> None:
    path = folder / "scenario.yaml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8")) | changes
    path.write_text(yaml.safe_dump(declared, allow_unicode=True), encoding="utf-8")


def told(folder: Path) -> str:
    return "\n".join(f"{one.weight} {one}" for one in look_over(load_scenario(folder)))


def test_an_example_that_is_no_brief(folder: Path) -> None:
    change(folder, example={"to": "小林", "whom": "外星人", "what": "x"})
    assert "wrong example：对方“外星人”" in told(folder)


def test_a_worked_example_that_the_gates_refuse(folder: Path) -> None:
    shown = {
        "to": "小林",
        "whom": "同事",
        "what": "他帮我搬家",
        "text": "百忙之中，谢谢小林，你真好。",
    }
    change(folder, examples=[shown])
    assert "wrong examples.1 的 text：套话" in told(folder)


def test_a_prompt_that_is_not_there(folder: Path) -> None:
    (folder / "prompt.md").unlink()
    assert "wrong 读不了提示词" in told(folder)


def test_a_required_detail_that_the_targets_leave_empty(folder: Path) -> None:
    (folder / "targets.yaml").write_text("shares: {typing: {空: 0.1}}\n", encoding="utf-8")
    assert "wrong 什么事是必填的，targets.yaml 却要 10% 空着" in told(folder)


def test_an_option_that_is_ordinary_speech(folder: Path) -> None:
    declared = yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
    fault = {"name": "fault", "label": "谁的错", "choices": ["是我们的错", "不知道"]}
    change(folder, dimensions=[*declared["dimensions"], fault], example={})
    assert "soon 谁的错的“是我们的错”是平常话" in told(folder)


def test_a_seed_that_a_gate_refuses_and_one_that_cannot_be_read(folder: Path) -> None:
    path = folder / "seeds.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows[1]["text"] = "老周，最诚挚的感谢。"
    rows[2]["tone"] = "严厉"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = told(folder)
    assert "wrong seeds.jsonl 第 2 行 s002" in found
    assert "wrong seeds.jsonl 第 3 行" in found


def test_seeds_that_are_all_bad_are_each_told_unless_all_are_of_other_fields(folder: Path) -> None:
    path = folder / "seeds.jsonl"
    rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([rows[0][:-1], rows[1].replace("tone", "tune")]), encoding="utf-8")
    found = told(folder)
    assert "wrong seeds.jsonl 第 1 行不是合法的 JSON" in found
    assert "wrong seeds.jsonl 第 2 行读不了：没有 tune 这一项，是不是 tone？\n" in found
    path.write_text("\n".join(row.replace("tone", "voice") for row in rows), encoding="utf-8")
    found = told(folder)
    assert found.count("wrong seeds.jsonl") == 1
    assert "没有一行读得了，是写给别的几项的" in found


def test_too_few_briefs_and_how_many_a_verdict_takes(folder: Path) -> None:
    assert "soon 测试需求有 10 条，下结论至少要 30 条" in told(folder)
    line = (folder / "briefs.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (folder / "briefs.jsonl").write_text(f"{line}\n" * 30, encoding="utf-8")
    assert "测试需求" not in told(folder)


def test_no_charter(folder: Path) -> None:
    (folder / "charter.md").unlink()
    assert "soon 没有宪章" in told(folder)


def test_words_that_chinese_commas_run_together(folder: Path) -> None:
    topic = {"name": "失业", "cues": ["失业，被裁，没工作"]}
    aliases = {"name": "when", "label": "何时", "choices": {"早": ["清早、早上"], "晚": ["夜里"]}}
    declared = yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
    change(folder, tact=[topic], dimensions=[*declared["dimensions"], aliases], example={})
    found = told(folder)
    assert "soon tact 的失业里，“失业，被裁，没工作”是一个词" in found
    assert "soon 何时的“早”里，“清早、早上”是一个词" in found
    assert "夜里" not in found


def test_a_field_in_which_nobody_looks_for_sensitive_matters(folder: Path) -> None:
    declared = yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
    reason = {"name": "reason", "label": "缘故", "required": False}
    topic = {"name": "失业", "cues": ["被裁"]}
    change(folder, tact=[topic], dimensions=[*declared["dimensions"], reason], example={})
    assert "敏感的事只在什么事里认；缘故里写了，关卡看不见。" in told(folder)


@pytest.mark.parametrize("name", ["spring_festival", "review_reply"])
def test_no_list_of_a_shipped_scenario_is_run_together(name: str) -> None:
    assert not [one for one in look_over(load_scenario(name)) if "英文逗号" in one.zh]
