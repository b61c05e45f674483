"""What OpenAI's clients send: one message read into a brief, or refused clearly."""

import json
from typing import Any

import pytest
import web_app

from fencun.models.engine import Completion
from fencun.scenario import Scenario
from fencun.web.chat import MAX_TOKENS, ChatMessage, ChatRequest, model_id, parse_messages, usage
from fencun.web.errors import RequestError


def turn(content: Any, role: str = "user") -> ChatMessage:
    return ChatMessage.model_validate({"role": role, "content": content})


def asked(scenario: Scenario, content: Any) -> dict[str, str]:
    return parse_messages(scenario, [turn(content)])[0]


def test_lines_in_any_order_with_either_colon_are_a_brief(scenario: Scenario) -> None:
    fields, brief = parse_messages(
        scenario, [turn("篇幅:短\n细节：无\n称呼：王老师\n关系：班主任")]
    )
    assert fields == {"length": "短", "detail": "", "salutation": "王老师", "relation": "班主任"}
    assert brief.values["relation"] == "老师导师"


def test_json_and_the_parts_of_a_message_say_the_same(scenario: Scenario) -> None:
    plain = json.dumps(web_app.BRIEF, ensure_ascii=False)
    assert asked(scenario, plain) == web_app.BRIEF
    assert asked(scenario, [{"type": "text", "text": plain}]) == web_app.BRIEF


@pytest.mark.parametrize(
    "content",
    [
        "稱呼：王老师\n關係：老师\n篇幅：50",
        "- 称呼：王老师\n2. 关系：老师\n* **篇幅**：50",
        '```json\n{"称呼": "王老师", "Relation": "老师", "篇幅": 50}\n```',
    ],
)
def test_other_ways_to_write_the_same_lines(scenario: Scenario, content: str) -> None:
    fields = asked(scenario, content)
    assert fields == {"salutation": "王老师", "relation": "老师", "length": "50"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"称呼": "王老师", "关系": true}', "字段名"),
        ("你好", "没有看懂"),
        ("称呼：王老师\n称呼：李总", "没有看懂"),
        ('{"salutation": 3}', "字段名"),
        ('{"salutation": "a", "称呼": "b"}', "没有看懂"),
        ("{" * 5000, "字段名"),
    ],
)
def test_what_has_no_form_is_refused_with_the_form_there_is(
    scenario: Scenario, content: str, said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        asked(scenario, content)


def test_other_conversations_and_bad_fields_are_named(scenario: Scenario) -> None:
    for turns in ([turn("称呼：王", "system")], [turn("称呼：王")] * 2):
        with pytest.raises(RequestError, match="一条 user") as caught:
            parse_messages(scenario, turns)
        assert caught.value.field == "messages"
    with pytest.raises(RequestError) as caught:
        asked(scenario, "称呼：王老师\n关系：外星人")
    assert caught.value.field == "messages[0].relation"


def test_a_field_that_would_change_the_answer_is_refused(scenario: Scenario) -> None:
    body = {"model": model_id(scenario, "prompt"), "messages": [{"role": "user", "content": "x"}]}
    ChatRequest.model_validate({**body, "user": "me", "presence_penalty": 0}).refuse_unknown()
    with pytest.raises(RequestError, match="tools") as caught:
        ChatRequest.model_validate({**body, "tools": [{}]}).refuse_unknown()
    assert caught.value.field == "tools"


def test_the_common_prompt_of_several_answers_counts_once() -> None:
    answers = [Completion("甲", "stop", 90, 10), Completion("乙", "stop", 90, 12)]
    assert usage(answers) == {
        "prompt_tokens": 90, "completion_tokens": 22, "total_tokens": 112
    }  # fmt: skip
    assert usage([])["total_tokens"] == 0
    assert MAX_TOKENS > 0
