"""Raters whose votes look like no reading took place are named."""

from vote_case import vote

from fencun.evaluate.oddities import oddities
from fencun.evaluate.simulate import ARMS
from fencun.evaluate.table import tabulate


def test_left_two_hundred_times_is_found_and_named() -> None:
    lazy = [
        vote(i, "left", id=f"x{i}", rater="lazy", brief=f"b{i}", left=ARMS[i % 2], right="tuned")
        for i in range(200)
    ]
    found = oddities(tabulate(lazy, ARMS))
    assert [(oddity.rater, oddity.kind) for oddity in found] == [("lazy", "one_side")]
    assert "200" in found[0].zh


def test_too_fast_and_self_contradicting_raters_are_named() -> None:
    said = ["left", "right", "tie"]
    quick = [vote(i, said[i % 3], seconds=0.8, rater="quick") for i in range(21)]
    kinds = {oddity.kind for oddity in oddities(tabulate(quick, ["tuned", "prompt"]))}
    assert kinds == {"too_fast"}
    firsts = [vote(i, "left", rater="moody", brief=f"b{i}") for i in range(5)]
    again = [
        vote(100 + i, "left", rater="moody", brief=f"b{i}", repeat_of=f"v{i}",
             left="prompt", right="tuned")
        for i in range(5)
    ]  # fmt: skip
    kinds = {oddity.kind for oddity in oddities(tabulate(firsts + again, ["tuned", "prompt"]))}
    assert kinds == {"contradicts"}
