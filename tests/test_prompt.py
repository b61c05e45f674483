from pathlib import Path

import pytest

from fencun.brief import parse_brief
from fencun.errors import FencunError
from fencun.prompt import engineered, messages, parse_arm
from fencun.scenario import Advice, Scenario

_THIRD_PERSONS = Path(__file__).parent / "data" / "third_persons.txt"


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


@pytest.mark.parametrize("relation", ["客户", "老师导师", "发小死党"])
def test_third_persons_stay_as_they_were_typed(scenario: Scenario, relation: str) -> None:
    sentences = _THIRD_PERSONS.read_text(encoding="utf-8").splitlines()
    assert len(set(sentences)) >= 60
    for sentence in sentences:
        asked = {"salutation": "王老师", "relation": relation, "detail": sentence}
        told = engineered(parse_brief(scenario, asked))
        assert f"交往细节：{sentence}\n" in told


def test_what_is_advised_and_left_out_is_the_scenarios_to_say(scenario: Scenario) -> None:
    asked = {"salutation": "大鹏", "relation": "发小", "detail": "他去年离婚，他俩常去江边钓鱼"}
    brief = parse_brief(scenario, asked)
    assert "交往细节：他俩常去江边钓鱼\n" in engineered(brief)
    assert scenario.advice.hushed in engineered(brief)
    silent = scenario.model_copy(update={"advice": Advice()})
    told = engineered(parse_brief(silent, asked))
    assert "交往细节：他去年离婚，他俩常去江边钓鱼\n" in told
    for said in (scenario.advice.hushed, scenario.advice.detail):
        assert said
        assert said not in told
