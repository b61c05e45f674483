"""One person, one seat."""

from fencun.evaluate.records import Vote
from fencun.evaluate.seats import seated

H = "0" * 64


def votes(rater: str, count: int = 3, **fields: object) -> list[Vote]:
    return [
        Vote.model_validate(
            {
                "id": f"{rater}{number}",
                "rater": rater,
                "name": rater,
                "brief": f"b{number}",
                "left": "tuned",
                "right": "prompt",
                "left_hash": H,
                "right_hash": H,
                "choice": "left",
                "at": f"2026-02-{ord(rater[0]) - 96:02d}T10:00:00",
            }
            | fields
        )
        for number in range(count)
    ]


def kept(*seats: list[Vote]) -> set[str]:
    return {vote.rater for vote in seated([vote for seat in seats for vote in seat]).counted}


def test_one_name_six_times_is_one_rater_and_said_so() -> None:
    found = seated([vote for rater in "abcdef" for vote in votes(rater, name=" 张 三")])
    assert {vote.rater for vote in found.counted} == {"a"}
    (group,) = found.groups
    assert (group.kept, group.others, group.votes) == ("a", tuple("bcdef"), 15)
    assert group.shared == ("name",)


def test_a_browser_or_an_address_tells_too_and_chains() -> None:
    seats = [
        votes("a", browser="x", address="1"),
        votes("b", browser="x", address="2"),
        votes("c", browser="y", address="2"),
        votes("d", browser="z", address="3"),
    ]
    assert kept(*seats) == {"a", "d"}
    (group,) = seated([vote for seat in seats for vote in seat]).groups
    assert group.shared == ("browser", "address")


def test_the_host_says_otherwise() -> None:
    assert kept(votes("a", address="1"), votes("b", address="1", apart=True)) == {"a", "b"}


def test_invitations_and_paper_are_seats_of_their_own() -> None:
    office = {"address": "1", "name": "小王"}
    assert kept(
        votes("a", invited=True, **office), votes("b", invited=True, **office)
    ) == {"a", "b"}  # fmt: skip
    assert kept(votes("a", source="paper", name="纸面1"), votes("b", source="paper", name="纸面1"))
    assert len(kept(votes("a", source="paper"), votes("b", source="paper"))) == 2


def test_two_invited_people_stay_two_whoever_is_like_both() -> None:
    invited = (
        votes("a", invited=True, name="老周", address="1"),
        votes("b", invited=True, name="小吴", address="1"),
    )
    again = votes("c", name="小吴", address="1")  # the office of both, the name of one
    browsers = votes("d", name="小李", browser="x"), votes("e", name="老周", browser="x")
    assert kept(*invited, again, *browsers) == {"a", "b"}


def test_an_invited_person_does_not_vote_again_at_the_open_link() -> None:
    seats = (votes("a", browser="x"), votes("b", invited=True, browser="x"))
    assert kept(*seats) == {"b"}  # however early the other came


def test_names_that_differ_are_different_people() -> None:
    assert kept(votes("a"), votes("b")) == {"a", "b"}
