"""Answers and votes as a study keeps them: what does not fit is refused, by field and line."""

from typing import Any, get_args

import pytest

from fencun.errors import RecordError
from fencun.evaluate.records import CHOICES, REASONS, SCALES, Answer, Choice, Opinion, Scale, Vote

VOTE: dict[str, Any] = {
    "id": "v1", "rater": "r1", "brief": "b1", "left": "bare", "right": "tuned",
    "left_hash": "0" * 64, "right_hash": "f" * 64, "choice": "left",
}  # fmt: skip


def test_a_vote_comes_back_as_it_was() -> None:
    said = {**VOTE, "left_opinion": {"send": True, "reasons": ["long"], "scales": {"facts": 5}}}
    vote = Vote.from_row(said, 3)
    assert vote.left_opinion == Opinion(send=True, reasons=("long",), scales={"facts": 5})
    assert vote.right_opinion.send is None
    assert Vote.from_row(vote.model_dump(mode="json")) == vote


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"choice": "both"}, "choice"),
        ({"left_hash": "0" * 63}, "left_hash"),
        ({"right_hash": "F" * 64}, "right_hash"),
        ({"arm": "tuned"}, "arm"),
        ({"id": ""}, "id"),
        ({"seconds": -1}, "seconds"),
        ({"left_opinion": {"reasons": ["ugly"]}}, "left_opinion.reasons.0"),
        ({"right_opinion": {"scales": {"facts": 6}}}, "right_opinion.scales.facts"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RecordError) as raised:
        Vote.from_row({**VOTE, **changes}, 7)
    assert raised.value.line == 7
    assert f"第 7 行的 {field} 读不了" in raised.value.zh
    assert f"{field} of line 7 is malformed" in raised.value.en
    with pytest.raises(RecordError, match="这条记录"):
        Vote.from_row({**VOTE, **changes})


def test_a_hash_pins_what_a_rater_sees_and_nothing_else() -> None:
    answer = Answer(brief="b1", arm="bare", engine="fake", text="新年好。")
    same = answer.model_copy(update={"arm": "tuned", "seed": 9, "seconds": 3.0, "draw": 2})
    assert same.hash == answer.hash
    for field, value in (("text", "新年好！"), ("brief", "b2")):
        assert answer.model_copy(update={field: value}).hash != answer.hash


def test_an_arm_that_gave_no_text_failed() -> None:
    assert Answer(brief="b1", arm="bare", engine="fake", error="断了").failed
    assert not Answer(brief="b1", arm="bare", engine="fake", text="好。").failed


def test_everything_that_may_be_said_has_words_in_both_languages() -> None:
    assert CHOICES.keys() == set(get_args(Choice))
    assert SCALES.keys() == set(get_args(Scale))
    for names in (CHOICES, SCALES, REASONS):
        for zh, en in names.values():
            assert zh
            assert en
