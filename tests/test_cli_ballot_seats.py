"""Who sits where in a poll, as typed: invited, shown, taken back."""

import json

import pytest
from eval_case import printed, run

from fencun.errors import FencunError
from fencun.evaluate.study import Study


def test_each_gets_a_link_of_their_own_and_it_can_be_taken_back(study: Study) -> None:
    run("ballot", "open")
    links = json.loads(run("ballot", "invite", "小李", "老周", "--json").stdout)
    assert [link["name"] for link in links] == ["小李", "老周"]
    assert links[0]["path"] != links[1]["path"]
    again = json.loads(run("ballot", "invite", "小李", "--json").stdout)
    assert again == links[:1], "the same name, the same link"
    assert links[1]["path"] in run("ballot", "invite", "老周").stdout
    assert "收回" in run("ballot", "revoke", "老周").stdout
    seats = printed("ballot", "seats")
    assert [(seat["name"], seat["taken"], seat["revoked"]) for seat in seats["invited"]] == [
        ("小李", False, False), ("老周", False, True)
    ]  # fmt: skip
    shown = run("ballot", "seats").stdout
    assert "小李  还没来" in shown
    assert "老周  已收回" in shown


@pytest.mark.parametrize("words", [("invite", "小李"), ("seats",), ("revoke", "小李")])
def test_without_an_open_poll_it_says_how_to_open_one(study: Study, words: tuple[str, ...]) -> None:
    failed = run("ballot", *words)
    assert isinstance(failed.exception, FencunError)
    assert f"fencun eval ballot open {study.name}" in str(failed.exception)


def test_a_seat_that_is_not_there_is_told(study: Study) -> None:
    run("ballot", "open")
    assert isinstance(run("ballot", "apart", "nobody").exception, FencunError)
    assert isinstance(run("ballot", "revoke", "nobody").exception, FencunError)
