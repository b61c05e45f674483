"""Who answers, and what each is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from evaluate_study import (
    Engines,
    make_scenario,
)

from fencun.errors import FencunError
from fencun.evaluate.arms import messages_for, parse_arms
from fencun.evaluate.run import run
from fencun.scenario import Scenario

pytestmark = pytest.mark.usefixtures("fake_base")


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("bare", "至少要两组"),
        ("bare,bare", "同一个名字"),
        ("bare,best", "没有叫“best”"),
        ("[]", "没有叫"),
    ],
)
def test_malformed_arms_are_explained(declared: str, message: str) -> None:
    with pytest.raises(FencunError, match=message):
        parse_arms(declared)


@pytest.mark.parametrize(
    "text",
    ["arms: 3", "arms:\n- [", "arms: [{name: x}]", "arms: [bare, {name: a, style: file}]"],
)
def test_malformed_arm_files_are_explained(text: str, tmp_path: Path) -> None:
    path = tmp_path / "arms.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FencunError) as refused:
        parse_arms(str(path))
    assert "\n" not in str(refused.value)
    if text.endswith("["):
        assert "第 2 行读不了" in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FencunError, match=r"打不开 .*gone\.yaml：No such file"):
        parse_arms(str(tmp_path / "gone.yaml"))


async def test_a_missing_adapter_says_what_to_do(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="fencun tune run"):
        await run(scenario, arms="bare,tuned", out="none", opener=Engines())


def test_prompt_and_rag_share_their_beginning(
    scenario: Scenario, brief_of: Callable[[Scenario], object]
) -> None:
    arms = {arm.name: arm for arm in parse_arms("bare,prompt,rag")}
    brief = brief_of(scenario)
    system = [messages_for(arms[name], brief)[0]["content"] for name in ("prompt", "rag")]  # type: ignore[arg-type]
    assert system[0] == system[1]


@pytest.fixture
def brief_of() -> Callable[[Scenario], object]:
    from fencun.brief import parse_brief

    return lambda scenario: parse_brief(scenario, scenario.example)
