"""Thinking aloud is stripped, however a stream is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fencun.models.think import ThinkFilter


def strip(pieces: list[str]) -> str:
    """Return what is left in the end; what was shown on the way is the same, or mistaken."""
    thinking = ThinkFilter()
    shown = "".join([*(thinking.feed(piece) for piece in pieces), thinking.finish()])
    assert thinking.mistaken or shown == thinking.text
    return thinking.text


def held(pieces: list[str]) -> str:
    """Return what is shown where everything is held back until a tag or the end has come."""
    thinking = ThinkFilter(hold=True)
    return "".join([*(thinking.feed(piece) for piece in pieces), thinking.finish()])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("新年好", "新年好"),
        ("<think>想一想</think>\n\n新年好", "新年好"),
        ("<think>\n\n</think>\n\n新年好", "新年好"),
        ("一<think>二</think>三<think>四</think>五", "一三五"),
        ("想到一半</think>\n新年好", "新年好"),
        ("先想</think>又想</think>新年好", "新年好"),
        ("一<think>二</think>三</think>四", "四"),
        ("<THINK>想</Think >新年好", "新年好"),
        ("<think type='x'>想</think>新年好", "新年好"),
        ("<thinking>想</thinking>新年好", "新年好"),
        ("<thought>想</thought>新年好<reasoning>再想", "新年好"),
        ("[THINK]想[/THINK]新年好", "新年好"),
        ("◁think▷想◁/think▷新年好", "新年好"),
        ("<seed:think>想</seed:think>新年好", "新年好"),
        ("<|channel|>analysis<|message|>想<|end|><|channel|>final<|message|>新年好", "新年好"),
        ("<cot>想</cot>新年好", "新年好"),
        ("<思考过程>想一想</思考过程>新年好", "新年好"),
        ("<reasoning_content>想</reasoning_content>新年好", "新年好"),
        ("<|begin_of_thinking|>想<|end_of_thinking|>新年好", "新年好"),
        ("<unused94>thought\n想<unused95>新年好", "新年好"),
        ("＜think＞想＜/think＞新年好", "新年好"),
        ("<think/>新年好", "新年好"),
        ("[祝]新年好<thinker>", "[祝]新年好<thinker>"),
        ("<think>没有想完", ""),
        ("a < b，<thin，>", "a < b，<thin，>"),
        ("末尾是<th", "末尾是<th"),
        ("", ""),
    ],
)
def test_every_cut_of_a_text_shows_the_same(text: str, shown: str) -> None:
    assert strip([text]) == shown
    assert strip(list(text)) == shown
    for at in range(len(text)):
        assert strip([text[:at], text[at:]]) == shown


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "think>", "好", " ", "</"]), max_size=9)
)
def test_pieces_make_no_difference(pieces: list[str]) -> None:
    assert strip(pieces) == strip(list("".join(pieces)))


@pytest.mark.parametrize("text", ["先想</think>\n新年好", "<think>想</think>新年好", "新年好"])
def test_where_thoughts_come_unmarked_nothing_is_shown_too_early(text: str) -> None:
    assert held([text]) == held(list(text)) == "新年好"


def test_thoughts_that_were_shown_are_told() -> None:
    thinking = ThinkFilter()
    assert thinking.feed("先想") == "先想"
    assert thinking.feed("</think>新年好") == "新年好"
    assert (thinking.mistaken, thinking.thought, thinking.text) == (True, True, "新年好")


def test_text_is_not_held_back_longer_than_a_tag() -> None:
    thinking = ThinkFilter()
    assert thinking.feed("新年好，") == "新年好，"
    assert thinking.feed("王老师<") == "王老师"
    assert thinking.feed("3") == "<3"
