"""Typesetting: no line begins or ends with a mark that must not stand there, nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fencun.web.card.setting import break_lines, cells, upright_cells

NOT_FIRST = "、，。！？：；”’）》」』…"
NOT_LAST = "“‘（《「『"


def measure(word: str) -> float:
    return len(word) * (1.0 if word[0] in "—…" else 0.5)


def lines(text: str, width: float, indent: float = 0.0) -> list[str]:
    broken = break_lines(cells(text, measure), width, indent)
    return ["".join(cell.text for cell in line.cells) for line in broken]


def test_a_line_takes_as_many_characters_as_fit() -> None:
    assert lines("一二三四五六七八", 3) == ["一二三", "四五六", "七八"]
    assert lines("一二三四五六七八", 4, indent=2) == ["一二", "三四五六", "七八"]


def test_a_closing_mark_hangs_rather_than_begins_a_line() -> None:
    assert lines("一二三，四五六。", 3) == ["一二三，", "四五六。"]
    assert lines("他说“好。”走了", 4) == ["他说“好。”", "走了"]


def test_what_cannot_hang_takes_a_character_along() -> None:
    assert lines("一二三”四", 3) == ["一二", "三”四"]
    assert lines("一二“三四", 3) == ["一二", "“三四"]


def test_dashes_ellipses_words_and_numbers_stay_whole() -> None:
    assert lines("一二——三", 3) == ["一", "二——", "三"]
    assert lines("一二……三", 3) == ["一", "二……", "三"]
    assert lines("写完bugfix了", 4) == ["写完", "bugfix了"]
    assert lines("二〇二六年3.5元", 6) == ["二〇二六年", "3.5元"]


def test_a_word_wider_than_a_line_still_ends() -> None:
    assert "".join(lines("啊" + "x" * 40 + "好", 4)) == "啊" + "x" * 40 + "好"


def test_a_column_has_vertical_marks_and_short_numbers_upright() -> None:
    column = upright_cells("“好”，12岁——2026年abc", measure)
    assert "".join(cell.text for cell in column) == "﹃好﹄︐12岁︱︱2026年abc"
    widths = {cell.text: cell.width for cell in column}
    assert widths["12"] == 1.0
    assert widths["2026"] == 2.0
    assert widths["︱︱"] == 2.0


@given(
    st.text(alphabet=st.sampled_from("年货灯字的了我a1 ，。！“”（）…——《》、"), max_size=120),
    st.integers(3, 20),
    st.sampled_from([0.0, 2.0]),
)
def test_any_text_keeps_the_rules_and_every_character(text: str, width: int, indent: float) -> None:
    broken = lines(text, width, indent)
    assert "".join("".join(broken).split()) == "".join(text.split())
    for line in broken:
        assert line == line.strip(" ")


@pytest.mark.parametrize("width", range(4, 16))
def test_ordinary_prose_never_breaks_a_rule(width: int) -> None:
    text = (
        "王老师，今晚加班改完最后一个bug，忽然想起高三晚自习后您在走廊上给我讲数列，粉笔灰落了一袖子。"
        "那时候您总说“别急，再想一步”，这句话我现在写代码还用着——给您拜年了！（天冷，少站风口……）"
    )
    for cut in (cells, upright_cells):
        broken = break_lines(cut(text, measure), width)
        for line in broken[1:]:
            assert line.cells[0].text[0] not in NOT_FIRST + "︐︑︒︓︔︕︖︙︶﹂﹄"
        for line in broken[:-1]:
            assert line.cells[-1].text[0] not in NOT_LAST + "︵﹁﹃"
