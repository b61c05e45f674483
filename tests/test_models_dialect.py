"""One event of a stream in the dialects that servers speak."""

import json
from itertools import pairwise

import pytest
from wire_case import event, read, said

from fencun.errors import EngineError
from fencun.models.dialect import error_reason


@pytest.mark.parametrize(
    ("values", "text", "finish", "thought"),
    [
        ([said({"content": "好", "reasoning_content": None}, finish_reason="stop")],
         "好", "stop", False),
        ([said({"reasoning_content": "想"}), event("好", "stop")], "好", "stop", True),
        ([said({"reasoning": "想"}), said({"thinking": "想"}), event("", "stop")],
         "", "stop", True),
        ([said({"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "好"}]}),
          event("", "stop")], "好", "stop", True),
        ([said({"content": ["新", {"text": "年"}]}), event("", "stop")], "新年", "stop", False),
        ([said({"tool_calls": [{"id": "a"}]}), event("", "tool_calls")], "", "tool_calls", False),
        ([said({"refusal": "不行"}), event("", "stop")], "", "content_filter", False),
        ([event("好", ""), event("", "content_filter")], "好", "content_filter", False),
        ([event("好"), event("", "MAX_TOKENS")], "好", "length", False),
        ([event("好"), event("", "abort")], "好", "broken", False),
        ([event("好"), event("", "end_turn")], "好", "stop", False),
        ([event("好", None)], "好", "untold", False),
        ([event("老周\ud83d"), event("\ude00，好", "stop")], "老周😀，好", "stop", False),
        ([event("好\ud83d", "stop")], "好\ufffd", "stop", False),
        ([event("新\u2028年\u0085好\x00\r", "stop")], "新\n年\n好", "stop", False),
        (['data: {"choices": null}', 'data: {"choices":[],"x":1}', event("好", "stop")],
         "好", "stop", False),
        (['data: {"choices":[{"index":0,"message":{"content":"好"},"finish_reason":"stop"}]}'],
         "好", "stop", False),
        ([event("好"), 'data: {"choices":[{"message":{"content":"好"},"finish_reason":"stop"}]}'],
         "好", "stop", False),
        (['data: {"choices":[{"text":"好","finish_reason":"stop"}]}'], "好", "stop", False),
        ([event("好", "stop", index=3)], "好", "stop", False),
        (["event: message", "id: 3", "retry: 9", event("好", "stop"), "", ": ping"],
         "好", "stop", False),
        (['data: {"choices":', 'data: [{"delta":{"content":"好"},"finish_reason":"stop"}]}', ""],
         "好", "stop", False),
        (["想到一半", "</think>好"], "好", "stop", True),
        # A final chunk that tells the whole again, and streams of messages and of plain texts.
        ([event("好"), event("的"), 'data: {"choices":[{"message":{"content":"好的"}}]}',
          event("", "stop")], "好的", "stop", False),
        (['data: {"choices":[{"message":{"content":"好"}}]}',
          'data: {"choices":[{"message":{"content":"的"},"finish_reason":"stop"}]}'],
         "好的", "stop", False),
        (['data: {"choices":[{"text":"好"}]}',
          'data: {"choices":[{"text":"的","finish_reason":"stop"}]}'], "好的", "stop", False),
    ],
)  # fmt: skip
async def test_dialects_of_a_stream(
    values: list[str], text: str, finish: str, thought: bool
) -> None:
    if not values[0].startswith(("data", "event")):
        values = [event(value) for value in values] + [event("", "stop")]
    got = await read(*values, "data: [DONE]")
    assert (got.text, got.finish, got.thought) == (text, finish, thought)


_SENT = "老周，新年好。\n今年少熬夜，多喝水，年后我去看你。"


def _growing(*ends: int) -> list[str]:
    return [_SENT[:end] for end in ends]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (_growing(*range(1, len(_SENT) + 1)), _SENT),
        (_growing(1, 1, 3, 3, 9, 20, len(_SENT), len(_SENT)), _SENT),
        (_growing(7, len(_SENT)), _SENT),
        (["<think>想", "<think>想一想</think>", f"<think>想一想</think>{_SENT}"], _SENT),
        # Not every stream that begins alike repeats itself.
        (["哈", "哈哈", "，老周"], "哈哈哈，老周"),
        (["哈", "哈哈", "哈哈哈"], "哈哈哈哈哈哈"),
        (["好", "好"], "好好"),
        (["新年好，", "老周，", "新年好，老周，", "多保重"], "新年好，老周，新年好，老周，多保重"),
    ],
)
@pytest.mark.parametrize("form", ["delta", "message", "text"])
async def test_pieces_that_repeat_what_came_before_are_told_once(
    values: list[str], text: str, form: str
) -> None:
    def told(value: str, finish: str | None = None) -> str:
        content: object = value if form == "text" else {"content": value}
        return f"data: {json.dumps({'choices': [{form: content, 'finish_reason': finish}]})}"

    for last in ([told("", "stop")], []):
        sent = [*map(told, values), *last] if last else [
            *map(told, values[:-1]), told(values[-1], "stop")
        ]  # fmt: skip
        got = await read(*sent, "data: [DONE]")
        assert (got.text, got.finish) == (text, "stop")


async def test_what_was_said_and_is_said_otherwise_is_an_error() -> None:
    with pytest.raises(EngineError, match="看不懂"):
        await read(event(_SENT[:8]), event(_SENT[:12]), event("老周，过年好！多保重。", "stop"))


_OLLAMA = {"model": "qwen3", "created_at": "2026-02-16T00:00:00Z"}


@pytest.mark.parametrize("form", ["message", "response"])
@pytest.mark.parametrize("cuts", [(0, 3, 9, len(_SENT)), (0, len(_SENT))])
async def test_ollamas_own_stream_is_read(form: str, cuts: tuple[int, ...]) -> None:
    def line(text: str, thinking: str = "", **more: object) -> str:
        said: dict[str, object] = {"response": text, "thinking": thinking}
        if form == "message":
            said = {"message": {"role": "assistant", "content": text, "thinking": thinking}}
        return json.dumps({**_OLLAMA, **said, "done": False, **more}, ensure_ascii=False)

    end = {"done": True, "done_reason": "length", "prompt_eval_count": 26, "eval_count": 12}
    texts = [line(_SENT[start:stop]) for start, stop in pairwise(cuts)]
    got = await read(line("", "想一想"), *texts, line("", **end))
    assert (got.text, got.finish, got.thought) == (_SENT, "length", True)
    assert (got.prompt_tokens, got.completion_tokens) == (26, 12)
    whole = await read(line(_SENT, **end))
    assert (whole.text, whole.completion_tokens) == (_SENT, 12)
    with pytest.raises(EngineError, match="model not found"):
        await read(line("老"), '{"error":"model not found"}')
    with pytest.raises(EngineError, match="断了"):
        await read(*texts)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"error":{"message":"no"}}', "no"),
        ('{"error":"no"}', "no"),
        ('{"message":"no"}', "no"),
        ('{"detail":[{"loc":["seed"]}]}', '[{"loc": ["seed"]}]'),
        ("<html><title>502</title>Bad &gateway</html>", "502 Bad &gateway"),
        ('{"error":{"message":"\\u001b[31mno\\ud83d"}}', "[31mno"),
        ('{"errors":[{"a":1}]}', '[{"a": 1}]'),
        ("{" * 5000, "{" * 300),
        ("x" * 999, "x" * 300),
    ],
)
def test_reasons_are_found_in_the_usual_shapes(body: str, reason: str) -> None:
    assert error_reason(body) == reason
