"""Clauses, sentences and quoted speech of a Chinese text, with offsets that hold."""

from fencun.gates.text import clause_words, clauses, sentences, shown, storable, unquoted


def test_offsets_of_clauses_are_those_of_the_text() -> None:
    text = "王老师，给您拜年 了。天冷，少站风口！"
    assert [text[span.start : span.end] for span in clauses(text)] == clause_words(text)
    assert clause_words(text) == ["王老师", "给您拜年", "了", "天冷", "少站风口"]


def test_sentences_keep_their_marks() -> None:
    assert sentences("给您拜年。天冷！ 他说“好。”走了") == [
        "给您拜年。", "天冷！", "他说“好。”", "走了"
    ]  # fmt: skip


def test_what_others_say_is_blanked_and_nothing_moves() -> None:
    text = "您常说“慢慢来，不急”，我一直记着，今年也是。"
    plain = unquoted(text)
    assert len(plain) == len(text)
    assert "不急" not in plain
    assert plain.endswith("今年也是。")
    assert unquoted("“给您拜年了。”") == "“给您拜年了。”", "a text that is a quotation stays"


def test_half_characters_are_replaced_in_place() -> None:
    assert storable("好\ud83d年") == "好\ufffd年"


def test_a_long_text_is_shown_short_in_one_line() -> None:
    assert shown("一二三四五六七八九十甲乙") == "一二三四五六七八九十甲乙"
    assert shown("一二三\n四五六七八九十甲乙丙", 6) == "一二三 四…"
