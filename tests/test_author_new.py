"""What ``fencun scenario new`` writes is right as it stands, and can be used at once."""

from pathlib import Path

import pytest

from fencun.author.check import look_over, prompts
from fencun.author.new import kinds, make
from fencun.brief import parse_brief
from fencun.data.breeding_plan import plan
from fencun.data.lines import iterate_lines
from fencun.data.targets import load_targets
from fencun.errors import FencunError
from fencun.evaluate.briefs import briefs_for_study
from fencun.home import own_scenarios_dir
from fencun.scenario import load_scenario

SMALL = ("apology", "birthday", "thanks")


@pytest.mark.parametrize("kind", kinds())
def test_every_template_is_right_as_it_stands(kind: str) -> None:
    folder = make("mine", kind, title="我的话")
    assert folder == own_scenarios_dir() / "mine"
    scenario = load_scenario("mine")
    assert (scenario.name, scenario.title) == ("mine", "我的话")
    assert [str(advice) for advice in look_over(scenario) if advice.weight == "wrong"] == []
    assert [str(a) for a in look_over(scenario) if "spoken" in a.en] == []
    assert len(list(iterate_lines(folder / "seeds.jsonl", scenario))) == 5
    assert len(briefs_for_study(scenario, folder / "dataset")) == 10
    for path in folder.iterdir():
        assert "__" not in path.read_text(encoding="utf-8"), path
    assert "我的话" in prompts(scenario)["prompt"][0]["content"]


@pytest.mark.parametrize("kind", kinds())
def test_a_plan_of_a_new_scenario_can_be_met(kind: str) -> None:
    """No empty detail where one is required, no sensitive matter in every line."""
    scenario = load_scenario(make("mine", kind))
    lines = list(iterate_lines(scenario.folder / "seeds.jsonl", scenario))
    (scenario.folder / "targets.yaml").unlink()
    births = plan(scenario, lines, load_targets(scenario), 10)  # type: ignore[arg-type]
    assert len(births) == 10
    detail = scenario.role("detail")
    if detail and detail.required:
        assert "空" not in {birth.typing for birth in births}
    assert sum(bool(birth.topic) for birth in births) <= 3


def test_what_will_not_do_is_refused_and_nothing_is_overwritten(tmp_path: Path) -> None:
    with pytest.raises(FencunError, match="小写英文字母"):
        make("请假条")
    with pytest.raises(FencunError, match="blank、greeting、reply"):
        make("mine", "letter")
    with pytest.raises(FencunError, match="已经有一个叫 birthday"):
        make("birthday")
    make("mine", folder=tmp_path)
    (tmp_path / "mine" / "charter.md").write_text("我的", encoding="utf-8")
    with pytest.raises(FencunError, match=r"没有动它.*fencun scenario use .*mine"):
        make("mine", folder=tmp_path)
    assert (tmp_path / "mine" / "charter.md").read_text(encoding="utf-8") == "我的"
    (tmp_path / "photos").mkdir()
    with pytest.raises(FencunError, match=r"叫 photos 的文件夹.*不是场景.*--out"):
        make("photos", folder=tmp_path)
    (tmp_path / "photo").touch()
    with pytest.raises(FencunError, match="叫 photo 的文件（"):
        make("photo", folder=tmp_path)


@pytest.mark.parametrize("name", SMALL)
def test_the_small_scenarios_are_right_and_small(name: str) -> None:
    scenario = load_scenario(name)
    assert [str(advice) for advice in look_over(scenario) if advice.weight == "wrong"] == []
    for brief in briefs_for_study(scenario, scenario.folder / "dataset"):
        assert parse_brief(scenario, brief.brief)
    whole = load_scenario("spring_festival").folder / "scenario.yaml"
    own = (scenario.folder / "scenario.yaml").stat().st_size
    assert own < whole.stat().st_size / 10
    assert {topic.name for topic in scenario.tact} == {
        topic.name for topic in load_scenario("spring_festival").tact
    }
    assert not scenario.rules.calendar
