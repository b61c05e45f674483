"""How often: wins and ties of each pair, and answers that would be sent."""

import pytest
from vote_case import vote

from fencun.evaluate.rates import arm_rates, pair_rates, wilson
from fencun.evaluate.records import Opinion
from fencun.evaluate.strengths import strengths
from fencun.evaluate.table import tabulate


def test_wilson_is_the_known_interval() -> None:
    # 15 of 20 at 95 %: Wilson 1927, as in every textbook table.
    rate = wilson(15, 20)
    assert rate.low == pytest.approx(0.5313, abs=1e-4)
    assert rate.high == pytest.approx(0.8881, abs=1e-4)
    assert wilson(0, 0).share is None


def test_ties_and_neither_stay_apart() -> None:
    said = ["left"] * 6 + ["right"] * 2 + ["tie"] * 3 + ["neither"] * 4
    table = tabulate([vote(i, choice) for i, choice in enumerate(said)], ["prompt", "tuned"])
    (rate,) = pair_rates(table)
    assert (rate.a, rate.b) == ("prompt", "tuned")
    assert (rate.wins.count, rate.losses, rate.ties, rate.neither) == (2, 6, 3, 4)
    assert rate.votes == 15
    only_neither = tabulate([vote(i, "neither") for i in range(8)], ["prompt", "tuned"])
    assert strengths(only_neither).values == pytest.approx([0.0, 0.0])


def test_send_rate_counts_every_showing() -> None:
    sends, not_so = Opinion(send=True), Opinion(send=False)
    votes = [vote(i, "left", left_opinion=sends) for i in range(3)]
    votes += [vote(i + 3, "neither", left_opinion=not_so) for i in range(2)]
    rates = {rate.arm: rate for rate in arm_rates(tabulate(votes, ["prompt", "tuned"]))}
    assert (rates["tuned"].said, rates["tuned"].shown) == (5, 5)
    assert (rates["prompt"].said, rates["prompt"].neither.count) == (0, 2)
