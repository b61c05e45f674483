import pytest

from fencun.brief import parse_brief
from fencun.errors import FencunError
from fencun.prompt import messages, parse_arm
from fencun.scenario import Scenario


def test_bare_and_tuned_send_the_six_lines_alone(scenario: Scenario) -> None:
    brief = parse_brief(scenario, scenario.example)
    for arm in ("bare", "tuned"):
        (message,) = messages(brief, parse_arm(arm))
        assert message["role"] == "user"
        assert message["content"] == brief.lines()
    lines = brief.lines().splitlines()
    assert len(lines) == len(scenario.dimensions)
    assert lines[1] == "关系：老师导师（高中班主任）"


def test_the_prompt_arm_has_one_system_prompt_for_all_briefs(scenario: Scenario) -> None:
    briefs = [
        parse_brief(scenario, {**scenario.example, "relation": relation})
        for relation in ("父母", "客户")
    ]
    systems = {messages(brief, "prompt")[0]["content"] for brief in briefs}
    assert len(systems) == 1
    user = messages(briefs[1], "prompt")[-1]["content"]
    assert user.startswith(briefs[1].lines())
    assert "您" in user


def test_an_unknown_arm_is_refused_by_name(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match=r"rag.*bare、prompt、tuned"):
        parse_arm("rag")
