"""Numbers of an evaluation as people read them."""

from typing import Any

from fencun.evaluate import show


def test_shares_are_whole_percentages_and_nothing_is_a_dash() -> None:
    assert show.percent(0.666) == "67%"
    assert show.share({"share": 0.5, "low": 0.25, "high": 0.75}) == "50% (25–75)"
    assert show.number(1.234) == "1.23"
    for nothing in (show.percent(None), show.share(None), show.number(None), show.rate(None)):
        assert nothing == show.NOTHING
    assert show.share({"share": None}) == show.rate({"count": 0, "total": 0}) == show.NOTHING


def test_of_a_few_the_count_is_told_and_no_percentage() -> None:
    assert show.rate({"count": 3, "total": 4, "share": 0.75}) == "3/4"
    assert show.rate({"count": 19, "total": 20, "share": 0.95}) == "19/20 (95%)"


def test_what_rests_on_a_brief_or_two_says_so_and_is_no_percentage() -> None:
    none = {"count": 0, "total": 0, "share": None, "low": None, "high": None}
    arm: dict[str, Any] = dict.fromkeys(
        ("hit", "plain", "named", "echo", "canary", "alike", "characters"), None
    )
    arm |= {"drift": {}, "longest_run": 0, "seeds": {"count": 19, "total": 20, "share": 0.95}}

    def told(briefs: int) -> str:
        rows = dict(show.probe_rows({"arms": [{**arm, "steady": dict.fromkeys("abc"[:briefs])}]}))
        return rows["同一条需求反复写，过关"][0]

    assert (told(1), told(3)) == ("19/20，1 条需求", "19/20 (95%)，3 条需求")
    arm["seeds"] = none
    assert told(0) == show.NOTHING
