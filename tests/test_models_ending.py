"""A cut text, or thoughts alone, is no message."""

import pytest

from fencun.models.ending import flaw
from fencun.models.engine import Completion, Finish


def test_what_ended_by_itself_is_whole() -> None:
    assert flaw(Completion("王老师，给您拜年。", "stop", 9, 9)) is None


@pytest.mark.parametrize(
    ("finish", "said"),
    [
        ("length", "被截断"),
        ("content_filter", "内容审查"),
        ("tool_calls", "调用工具"),
        ("broken", "自己中止"),
    ],
)
def test_what_was_cut_says_by_what(finish: Finish, said: str) -> None:
    found = flaw(Completion("王老师，给您", finish, 9, 9))
    assert found is not None
    assert found.severity == "fault"
    assert said in found.zh
    assert said in str(found.error())


def test_an_answer_without_text_says_what_came_instead() -> None:
    thought = flaw(Completion(" ", "stop", 9, 9, thought=True))
    assert thought is not None
    assert "思考" in thought.zh
    nothing = flaw(Completion("", "untold", 9, 0))
    assert nothing is not None
    assert nothing.severity == "fault"


def test_an_end_that_was_not_told_is_a_doubt() -> None:
    found = flaw(Completion("王老师，给您拜年。", "untold", 9, 9))
    assert found is not None
    assert found.severity == "doubt"
