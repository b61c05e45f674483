"""What texts share, counted one way for every rule that asks."""

import random
from difflib import SequenceMatcher

import pytest

from fencun.grams import (
    GramIndex,
    alike,
    common_pieces,
    gram_set,
    grams,
    jaccard,
    longest_common,
    words_only,
)


def test_grams_are_in_order_and_a_short_text_is_one_itself() -> None:
    assert grams("甲乙丙丁", 3) == ["甲乙丙", "乙丙丁"]
    assert grams("甲乙甲乙", 2) == ["甲乙", "乙甲", "甲乙"]
    assert grams("甲乙", 3) == []
    assert gram_set("甲乙", 3) == {"甲乙"}
    assert gram_set("甲乙甲乙", 2) == {"甲乙", "乙甲"}


def test_punctuation_and_white_space_are_no_words() -> None:
    assert words_only("王老师，新年 好！_1\n") == "王老师新年好1"


def test_jaccard_is_the_share_of_all_that_both_have() -> None:
    assert jaccard({"a", "b"}, {"b", "c"}) == pytest.approx(1 / 3)
    assert jaccard(frozenset(), frozenset()) == 0.0


def test_the_longest_common_piece_may_stand_anywhere() -> None:
    assert longest_common("一二三四五", "零三四五六\n一二") == 3
    assert longest_common("", "一") == 0


def test_pieces_are_maximal_and_apart() -> None:
    assert common_pieces("甲乙丙丁戊一二三四", "一二三四 甲乙丙丁戊", 4) == [(0, 5), (5, 9)]
    assert common_pieces("甲乙", "甲乙", 4) == []


def test_texts_are_alike_whatever_their_punctuation() -> None:
    assert alike("妈，新年好！", "妈新年好", 1.0)
    assert not alike("妈，新年好！", "爸，我初二到家", 0.5)


@pytest.mark.parametrize("degree", [0.0, 0.5, 0.85, 1.0])
def test_what_is_left_out_beforehand_is_not_alike_either(degree: float) -> None:
    draw = random.Random(1)
    letters = ["".join(draw.choices("甲乙丙丁，", k=draw.randrange(24))) for _ in range(60)]
    for one in letters:
        for other in (*letters[:20], one[1:], one[::-1], f"{one}甲"):
            words = words_only(one), words_only(other)
            ratio = SequenceMatcher(None, *words, autojunk=False).ratio()
            assert alike(one, other, degree) == (ratio >= degree)


def test_the_nearest_text_shares_most_of_the_shorter_one() -> None:
    index = GramIndex(3, [("a", "一二三四五六七八"), ("b", "三四五，六"), ("c", "三四五六")])
    assert index.nearest("三四五六九") == ("b", 1.0)  # of equals the first
    assert index.nearest("三四五六九", ignored=("b", "c")) == ("a", pytest.approx(2 / 3))
    assert index.nearest("九九九九") == ("", 0.0)
    assert index.holds("b", "三四五")
    assert not index.holds("b", "一二三")
