"""Plain samples are told from bold ones by how well the others foretell them."""

import pytest

from fencun.tune.plainness import plainest, surprises

PLAIN = ["妈，过年好，您多歇歇。", "爸，过年好，您少喝两杯。", "妈，过年好，您少操心。"]
BOLD = "檐角一枚铜铃替我读信。"


def test_the_line_unlike_all_others_surprises_most() -> None:
    found = surprises([*PLAIN, BOLD], [""] * 4)
    assert max(range(4), key=found.__getitem__) == 3


def test_a_text_does_not_foretell_itself() -> None:
    once = surprises([*PLAIN, BOLD], [""] * 4)[3]
    twice = surprises([*PLAIN, BOLD, BOLD], [""] * 5)[3]
    assert twice < once / 2


def test_what_the_brief_says_does_not_surprise() -> None:
    without = surprises([*PLAIN, BOLD], [""] * 4)[3]
    told = surprises([*PLAIN, BOLD], ["", "", "", "檐角有一枚铜铃，他替我读信"])[3]
    assert told < without


def test_every_stratum_keeps_its_share_and_order() -> None:
    texts = [*PLAIN, BOLD, *PLAIN, BOLD]
    kept = plainest(texts, [""] * 8, ["短"] * 4 + ["长"] * 4, 0.75)
    assert kept == [0, 1, 2, 4, 5, 6]


@pytest.mark.parametrize("share", [0.01, 0.2])
def test_no_stratum_is_lost(share: float) -> None:
    assert len(plainest([*PLAIN, BOLD], [""] * 4, ["a", "b", "c", "d"], share)) == 4


def test_an_empty_text_is_harmless() -> None:
    assert surprises(["", "妈"], ["", ""])[0] == 0
