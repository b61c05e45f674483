"""A poll is opened once, counted, and closed for good."""

import json

import pytest
from review_case import BOTH
from voting_case import ballots, cast, joined

from fencun.errors import FencunError
from fencun.evaluate import polling
from fencun.evaluate.study import Study
from fencun.store.ballots import PollRow
from fencun.store.database import Store

pytestmark = BOTH


def test_opening_twice_is_one_link_and_reopening_another(store: Store, study: Study) -> None:
    codes = [store.write(lambda s: polling.open_poll(s, study)).code for _ in range(2)]
    assert codes[0] == codes[1]
    store.write(lambda s: polling.close_poll(s, study.registration.fingerprint))
    assert store.write(lambda s: polling.open_poll(s, study)).code != codes[0]


def test_a_changed_study_cannot_be_opened(store: Store, study: Study) -> None:
    path = study.folder / "answers.jsonl"
    first = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    path.write_text(path.read_text(encoding="utf-8").replace(first["text"], "改了"), "utf-8")
    with pytest.raises(FencunError, match="改过"):
        store.write(lambda s: polling.open_poll(s, study))


def test_who_came_and_what_was_cast_is_counted(store: Store, poll: PollRow, study: Study) -> None:
    rater = joined(store, poll)
    joined(store, poll, "小李")
    cast(store, poll, rater, ballots(store, rater)[0].id)
    (told,) = store.read(polling.turnouts)
    assert (told.raters, told.votes, told.ballots, told.is_open) == (2, 1, 40, True)
    store.write(lambda s: polling.close_poll(s, study.registration.fingerprint))
    assert not store.read(polling.turnouts)[0].is_open
    assert store.read(lambda s: polling.poll_of(s, study.registration.fingerprint)) is None
