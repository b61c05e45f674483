"""One refusal of many lines is one sentence with a count."""

import pytest

from fencun.cli.repeats import said_once


def test_what_differs_in_its_line_alone_is_said_once() -> None:
    messages = [f"第 {line} 行：没有 relation。" for line in range(3, 23)]
    messages.insert(4, "第 6 行没有 id。")
    assert said_once(messages) == [
        "第 3 行：没有 relation。（同样的还有 19 行：第 4、5、6、7、8… 行）",
        "第 6 行没有 id。",
    ]


def test_other_words_are_another_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_LANG", "en")
    assert said_once(
        ["Line 1: no name 老张.", "Line 2: no name 老李.", "Line 3: no name 老张."]
    ) == [
        "Line 1: no name 老张. (1 more lines of the same: 3)",
        "Line 2: no name 老李.",
    ]
    assert said_once(["full", "full"]) == ["full (1 more of the same)"]
