import pytest

from fencun.script import plain, simplified


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("王老師，給您拜年，萬事如意，闔家歡樂。", "王老师，给您拜年，万事如意，阖家欢乐。"),
        ("不少於80字", "不少于80字"),
        ("裡裏後馬臘廳", "里里后马腊厅"),
        ("囍𠮷👨‍👩‍👧 abc", "囍𠮷👨‍👩‍👧 abc"),
        ("", ""),
    ],
)  # fmt: skip
def test_traditional_characters_are_read_place_by_place(text: str, read: str) -> None:
    assert simplified(text) == read
    assert len(simplified(text)) == len(text)


@pytest.mark.parametrize("dash", [*"-－–—―~～〜−‐‑⸺﹣", "——", "~~"])
def test_every_dash_and_tilde_is_one(dash: str) -> None:
    assert plain(f"５０{dash}８０字以內") == "50-80字以内"
