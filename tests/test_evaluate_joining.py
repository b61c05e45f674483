"""Who joins a poll gets a seat under their name, and a set of ballots like nobody else's."""

from collections import Counter

import pytest
from review_case import BOTH
from voting_case import ballots, joined

from fencun.evaluate.polling import BallotError
from fencun.store.ballots import PollRow
from fencun.store.database import Store

pytestmark = BOTH


def test_sets_are_balanced_different_and_partly_repeated(store: Store, poll: PollRow) -> None:
    raters = [joined(store, poll, f"评审{number}") for number in range(12)]
    sets = [ballots(store, rater) for rater in raters]
    for own in sets:
        assert len(own) == 20
        first = [ballot for ballot in own if ballot.repeat_of is None]
        assert len({ballot.item for ballot in first}) == 16
        by_id = {ballot.id: ballot for ballot in own}
        for ballot in own:
            if ballot.repeat_of:
                earlier = by_id[ballot.repeat_of]
                assert earlier.place < ballot.place - 1
                assert (ballot.left_text, ballot.right_text) == (
                    earlier.right_text,
                    earlier.left_text,
                )
    assert len({tuple(ballot.item for ballot in own) for own in sets}) == 12
    pairs = Counter(frozenset((b.left_arm, b.right_arm)) for own in sets for b in own)
    decisive, other = frozenset(("tuned", "prompt")), frozenset(("bare", "prompt"))
    assert 1.5 < pairs[decisive] / pairs[other] < 5
    sides = Counter(ballot.left_arm for own in sets for ballot in own)
    right = Counter(ballot.right_arm for own in sets for ballot in own)
    assert abs(sides["tuned"] - right["tuned"]) < 45


def test_names_are_asked_for_and_trimmed(store: Store, poll: PollRow) -> None:
    with pytest.raises(BallotError, match="名字"):
        joined(store, poll, "  ")
    assert joined(store, poll, " 王\n 小明 " + "长" * 90).name.startswith("王 小明 长")
