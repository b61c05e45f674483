"""How a scenario is found, read in short, inherited, and read again when it was saved."""

from pathlib import Path

import pytest
import yaml

from fencun.author.new import TEMPLATES
from fencun.brief import parse_brief
from fencun.errors import ScenarioError
from fencun.gates import Gates
from fencun.home import own_scenarios_dir, scenarios_dir
from fencun.labels import REASONS
from fencun.prompt import instructions, messages
from fencun.scenario import flag, in_use, load_scenario, reference, scenario_names
from fencun.scenario.places import use

MINIMAL = """\
name: leave
title: 请假条
dimensions:
  - {name: to, label: 写给谁, role: salutation}
  - {name: why, label: 为什么, role: detail}
  - {name: tone, label: 语气, role: style, choices: [正式, 随意]}
  - {name: size, label: 篇幅, role: length, choices: {短: 10-40, 长: 40-80}}
prompt: 你替人写请假条。
rules: {cliches: [望批准]}
example: {to: 张主任, why: 孩子发烧, tone: 正式, size: 短}
"""


def written(folder: Path, text: str = MINIMAL) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.yaml").write_text(text, encoding="utf-8")
    return folder


def test_ten_lines_are_a_scenario(tmp_path: Path) -> None:
    assert len(MINIMAL.splitlines()) == 10
    leave = load_scenario(written(tmp_path))
    assert (leave.en, leave.product, leave.product_en) == ("请假条", "请假条", "请假条")
    assert [d.kind for d in leave.dimensions] == ["text", "text", "choice", "length"]
    assert leave.dimension("tone").choices[1].en == "随意"
    size = leave.dimension("size").choices[1].range
    assert size is not None
    assert (size.min, size.max) == (40, 80)
    assert instructions(leave) == "你替人写请假条。"
    brief = parse_brief(leave, leave.example)
    assert len(messages(brief, "prompt")) == 2
    found = Gates(leave).check("张主任，孩子发烧要去医院，望批准。", brief)
    assert [f.gate for f in found if f.severity == "fault"] == ["cliche"]


def test_choices_are_told_in_short_or_in_full(tmp_path: Path) -> None:
    text = MINIMAL.replace("[正式, 随意]", "{正式: [客气], 随意: {aliases: 平常, note: 别拘谨。}}")
    with pytest.raises(ScenarioError, match=r"第 6 行：dimensions.3.choices.2.aliases：要写成列表"):
        load_scenario(written(tmp_path, text))
    load = load_scenario(written(tmp_path, text.replace("aliases: 平常", "aliases: [平常]")))
    assert set(load.dimension("tone").names) == {"正式", "客气", "随意", "平常"}


@pytest.mark.parametrize("choices", ["{}", "[]", ""])
def test_choices_that_are_empty_are_no_free_text(tmp_path: Path, choices: str) -> None:
    text = MINIMAL.replace("[正式, 随意]", choices)
    with pytest.raises(ScenarioError, match=r"第 6 行：dimensions\.3\.choices：choices 是空的"):
        load_scenario(written(tmp_path, text))


def test_a_default_that_is_no_choice_is_told(tmp_path: Path) -> None:
    text = MINIMAL.replace("role: style,", "role: style, default: 诚恳,")
    with pytest.raises(ScenarioError, match="default“诚恳”不在 choices 里"):
        load_scenario(written(tmp_path, text))


def test_a_file_that_is_saved_is_read_again(tmp_path: Path) -> None:
    folder = written(tmp_path / "parent")
    child = written(tmp_path / "child", "name: child\ntitle: 孩子\nextends: ../parent\n")
    assert load_scenario(child) is load_scenario(child)
    assert load_scenario(child).dimension("why").label == "为什么"
    written(folder, MINIMAL.replace("为什么", "什么缘故"))
    assert load_scenario(child).dimension("why").label == "什么缘故"


def test_what_is_inherited_and_what_is_not(tmp_path: Path) -> None:
    parent = written(tmp_path / "parent", MINIMAL.replace("你替人写请假条。", "prompt.md"))
    (parent / "prompt.md").write_text("父亲的提示词", encoding="utf-8")
    child = load_scenario(
        written(
            tmp_path / "child",
            "name: child\ntitle: 孩子\nextends: ../parent\n"
            "rules: {cliches: [..., 特此], letter: true}\n"
            "dimensions:\n  - {name: tone, choices: [..., 活泼]}\n  - {name: to, label: 收条人}\n",
        )
    )
    assert [(d.name, d.label) for d in child.dimensions] == [("tone", "语气"), ("to", "收条人")]
    assert list(child.dimension("tone").names) == ["正式", "随意", "活泼"]
    assert child.rules.cliches == ("望批准", "特此")
    assert child.rules.letter
    assert instructions(child) == "父亲的提示词"
    assert (child.product, child.example) == ("孩子", {})  # an example for fields that are gone


@pytest.mark.parametrize(
    ("extends", "says"), [("nobody", "extends 说的“nobody”不在"), ("../child", "转了圈")]
)
def test_what_cannot_be_extended_is_told(tmp_path: Path, extends: str, says: str) -> None:
    child = written(tmp_path / "child", f"name: child\ntitle: 孩子\nextends: {extends}\n")
    with pytest.raises(ScenarioError, match=says):
        load_scenario(child)


def test_a_mistake_of_the_parent_is_told_with_its_own_line(tmp_path: Path) -> None:
    parent = written(tmp_path / "parent", MINIMAL.replace("title: 请假条", "titel: 请假条"))
    child = written(tmp_path / "child", "name: child\ntitle: 孩子\nextends: ../parent\n")
    with pytest.raises(ScenarioError) as raised:
        load_scenario(child)
    assert f"{parent / 'scenario.yaml'} 要改这些地方：\n第 2 行：titel" in raised.value.zh


def test_the_one_in_use_is_the_nearest_then_the_chosen_then_the_flagship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_scenario().name == "spring_festival"
    mine = written(own_scenarios_dir() / "leave")
    assert use(mine) == "leave"
    assert load_scenario().folder == mine
    assert flag(mine) == ""
    assert flag(load_scenario("spring_festival").folder) == " --scenario spring_festival"
    near = written(tmp_path / "near", MINIMAL.replace("name: leave", "name: near"))
    (near / "deep").mkdir()
    monkeypatch.chdir(near / "deep")
    assert in_use() == str(near)
    assert load_scenario().name == "near"
    assert flag(mine) == " --scenario leave"
    assert reference(near) == str(near)
    assert scenario_names()[-1] == "leave"


def test_what_was_chosen_and_is_gone_is_told(tmp_path: Path, own_home: Path) -> None:
    gone = written(tmp_path / "gone")
    use(gone)
    (gone / "scenario.yaml").unlink()
    with pytest.raises(ScenarioError, match="fencun scenario new"):
        load_scenario()


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("birthdy", "没有叫“birthdy”的场景。是不是 birthday？现有"),
        ("photos", "photos 里没有 scenario.yaml。现有"),
        ("birthday/none.yaml", "没有叫"),
        ("mine.zip", "mine.zip 不是场景的文件夹。现有"),
    ],
)
def test_what_is_there_instead_of_a_scenario_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, says: str
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "mine.zip").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError) as raised:
        load_scenario(named)
    assert says in raised.value.zh
    assert "fencun scenario new" in raised.value.en


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "不是文字，像是图片"),
        ("name: 婉拒".encode("utf-16"), "另存为 UTF-8"),
        ("name: 婉拒".encode("gb18030"), "另存为 UTF-8"),
    ],
)
def test_what_is_no_text_in_utf8_is_told(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "scenario.yaml").write_bytes(data)
    with pytest.raises(ScenarioError, match=says):
        load_scenario(tmp_path)


def test_reasons_are_called_as_the_scenario_calls_them(tmp_path: Path) -> None:
    named = "words: {reasons: {greasy: 官腔, long: [太啰嗦, wordy]}}\n"
    words = load_scenario(written(tmp_path, MINIMAL + named)).words
    assert words.named(REASONS)["greasy"] == ("官腔", "官腔")
    assert words.named(REASONS)["long"] == ("太啰嗦", "wordy")
    assert words.named(REASONS)["misfit"] == REASONS["misfit"]
    with pytest.raises(ScenarioError, match=r"words.reasons：没有 oily；可用：cliche、greasy"):
        load_scenario(written(tmp_path, MINIMAL + named.replace("greasy", "oily")))


@pytest.mark.parametrize("folder", [scenarios_dir(), TEMPLATES], ids=lambda path: path.name)
def test_what_ships_is_read_the_same_without_libyaml(folder: Path) -> None:
    """PyYAML in C takes some that PyYAML in Python refuses; which one is there is chance."""
    paths = sorted(folder.rglob("*.yaml"))
    assert len(paths) >= 5
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert yaml.load(text, yaml.SafeLoader) == yaml.load(text, yaml.CSafeLoader), path
