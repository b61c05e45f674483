"""Thinking aloud is stripped, however a stream is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fencun.models.think import ThinkFilter


def strip(pieces: list[str]) -> str:
    thinking = ThinkFilter()
    return "".join([*(thinking.feed(piece) for piece in pieces), thinking.finish()])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("新年好", "新年好"),
        ("<think>想一想</think>\n\n新年好", "新年好"),
        ("<think>\n\n</think>\n\n新年好", "新年好"),
        ("一<think>二</think>三<think>四</think>五", "一三五"),
        ("想到一半</think>\n新年好", "想到一半新年好"),
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


def test_text_is_not_held_back_longer_than_a_tag() -> None:
    thinking = ThinkFilter()
    assert thinking.feed("新年好，") == "新年好，"
    assert thinking.feed("王老师<") == "王老师"
    assert thinking.feed("3") == "<3"
