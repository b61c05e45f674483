"""Statistics of votes: against the libraries they stand on, and on tables made by hand."""

import dataclasses
import math

import choix
import krippendorff
import numpy as np
import pytest

from fencun.evaluate.agreement import _error, agreement
from fencun.evaluate.oddities import oddities
from fencun.evaluate.rates import arm_rates, pair_rates, wilson
from fencun.evaluate.records import Opinion, Vote
from fencun.evaluate.simulate import ARMS, World, simulate
from fencun.evaluate.strengths import Comparison, compare_all, fit, strengths
from fencun.evaluate.table import VoteTable, tabulate

H = "0" * 64


def vote(number: int, choice: str, **fields: object) -> Vote:
    defaults: dict[str, object] = {
        "id": f"v{number}",
        "rater": f"r{number % 4}",
        "brief": f"b{number % 10}",
        "left": "tuned",
        "right": "prompt",
        "left_hash": H,
        "right_hash": H,
        "choice": choice,
    }
    return Vote.model_validate(defaults | fields)


def compared(table: VoteTable, a: str, b: str) -> Comparison:
    (found,) = (c for c in compare_all(table, strengths(table), 0.95) if {c.a, c.b} == {a, b})
    return found


def test_wilson_is_the_known_interval() -> None:
    # 15 of 20 at 95 %: Wilson 1927, as in every textbook table.
    rate = wilson(15, 20)
    assert rate.low == pytest.approx(0.5313, abs=1e-4)
    assert rate.high == pytest.approx(0.8881, abs=1e-4)
    assert wilson(0, 0).share is None


def test_all_at_once_fit_is_the_fit_of_choix() -> None:
    random = np.random.default_rng(3)
    wins = random.integers(1, 30, (20, 5, 5)).astype(float)
    wins[:, np.arange(5), np.arange(5)] = 0
    ours = fit(wins, np.zeros(5))
    for matrix, values in zip(wins, ours, strict=True):
        theirs = choix.ilsr_pairwise_dense(matrix, max_iter=500)
        np.testing.assert_allclose(values, theirs, atol=1e-6)


def test_ties_and_neither_stay_apart() -> None:
    said = ["left"] * 6 + ["right"] * 2 + ["tie"] * 3 + ["neither"] * 4
    table = tabulate([vote(i, choice) for i, choice in enumerate(said)], ["prompt", "tuned"])
    (rate,) = pair_rates(table)
    assert (rate.a, rate.b) == ("prompt", "tuned")
    assert (rate.wins.count, rate.losses, rate.ties, rate.neither) == (2, 6, 3, 4)
    assert rate.votes == 15
    only_neither = tabulate([vote(i, "neither") for i in range(8)], ["prompt", "tuned"])
    assert strengths(only_neither).values == pytest.approx([0.0, 0.0])


def test_sides_do_not_matter_for_who_won() -> None:
    straight = [vote(i, "left") for i in range(12)]
    turned = [vote(i, "right", left="prompt", right="tuned") for i in range(12)]
    for votes in (straight, turned):
        table = tabulate(votes, ["prompt", "tuned"])
        assert compared(table, "tuned", "prompt").share < 0.1


def test_send_rate_counts_every_showing() -> None:
    sends, not_so = Opinion(send=True), Opinion(send=False)
    votes = [vote(i, "left", left_opinion=sends) for i in range(3)]
    votes += [vote(i + 3, "neither", left_opinion=not_so) for i in range(2)]
    rates = {rate.arm: rate for rate in arm_rates(tabulate(votes, ["prompt", "tuned"]))}
    assert (rates["tuned"].said, rates["tuned"].shown) == (5, 5)
    assert (rates["prompt"].said, rates["prompt"].neither.count) == (0, 2)


def test_repeats_count_for_self_agreement_only() -> None:
    first = vote(0, "left")
    same = vote(4, "right", left="prompt", right="tuned", repeat_of="v0", brief="b0")
    other = vote(8, "left", left="prompt", right="tuned", repeat_of="v0", brief="b0")
    table = tabulate([first, same, other], ["prompt", "tuned"])
    assert len(table.first_time()) == 1
    rate = agreement(table).self_agreement
    assert (rate.count, rate.total) == (1, 2)


def test_one_rater_says_nothing_about_others() -> None:
    votes = [vote(i, "left", rater="only", brief=f"b{i}") for i in range(60)]
    comparison = compared(tabulate(votes, ["tuned", "prompt"]), "tuned", "prompt")
    assert comparison.share > 0.9
    assert (comparison.low, comparison.high, comparison.better) == (0.0, 1.0, None)


def test_all_ties_and_one_vote_are_calm() -> None:
    for votes in ([vote(i, "tie") for i in range(40)], [vote(0, "left")]):
        comparison = compared(tabulate(votes, ["tuned", "prompt"]), "tuned", "prompt")
        assert comparison.low <= comparison.share <= comparison.high
        assert comparison.better is None


def test_a_clean_sweep_stays_finite() -> None:
    votes = [vote(i, "left") for i in range(100)]
    comparison = compared(tabulate(votes, ["tuned", "prompt"]), "tuned", "prompt")
    assert 0.95 < comparison.share < 1.0
    assert math.isfinite(comparison.error)


def test_intervals_widen_when_raters_differ() -> None:
    errors = {0.0: 0.0, 3.0: 0.0}
    for taste in errors:
        for seed in range(5):
            table = simulate(World(taste=taste, raters=10), np.random.default_rng(seed))
            errors[taste] += strengths(table).difference("tuned", "bare")[1]
    assert errors[3.0] > 1.4 * errors[0.0]


def test_equal_votes_give_equal_numbers() -> None:
    table = simulate(World(), np.random.default_rng(1))
    assert compared(table, "bare", "tuned") == compared(table, "bare", "tuned")


def test_true_strengths_are_found() -> None:
    world = World(truth=(-1.5, 0.0, 0.5, 1.5), raters=60, taste=0.0, quality=0.0, pull=0.0, tie=0.0)
    fitted = strengths(simulate(world, np.random.default_rng(9))).values
    assert fitted - fitted.mean() == pytest.approx(np.array(world.truth) - 0.125, abs=0.25)


def test_alpha_is_that_of_the_library() -> None:
    votes = [
        vote(10 * rater + unit, choice, rater=f"r{rater}", brief=f"b{unit}")
        for rater, said in enumerate(("lltrr", "lltrn", "lrtrn"))
        for unit, letter in enumerate(said)
        for choice in ({"l": "left", "r": "right", "t": "tie", "n": "neither"}[letter],)
    ]
    found = agreement(tabulate(votes, ["tuned", "prompt"])).preference
    expected = krippendorff.alpha(
        [[0, 0, 2, 1, 1], [0, 0, 2, 1, 3], [0, 1, 2, 1, 3]], level_of_measurement="nominal"
    )
    assert found.value == pytest.approx(expected)
    assert found.units == 5
    assert found.low is not None
    assert found.high is not None
    assert found.low <= expected <= found.high


def test_the_error_of_alpha_is_that_of_resampling() -> None:
    random = np.random.default_rng(2)
    counts = random.multinomial(4, [0.5, 0.3, 0.2], size=200).astype(float)
    drawn = [
        krippendorff.alpha(
            value_counts=counts[random.integers(0, 200, 200)], level_of_measurement="nominal"
        )
        for _ in range(300)
    ]
    assert _error(counts) == pytest.approx(np.std(drawn), rel=0.15)


def test_agreement_without_overlap_is_unknown() -> None:
    votes = [vote(i, "left", brief=f"b{i}") for i in range(5)]
    found = agreement(tabulate(votes, ["prompt", "tuned"]))
    assert found.preference.value is None
    assert found.self_agreement.share is None


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


def test_links_survive_filtering() -> None:
    table = simulate(World(raters=3), np.random.default_rng(6))
    second = table.where(table.rater == 1)
    again = np.flatnonzero(second.earlier >= 0)
    assert len(again) == 6
    assert (second.brief[again] == second.brief[second.earlier[again]]).all()
    assert (second.pair[again] == second.pair[second.earlier[again]]).all()
    assert (second.left[again] == second.right[second.earlier[again]]).all()


def test_tables_are_frozen() -> None:
    table = simulate(World(raters=2), np.random.default_rng(6))
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.arms = ()  # type: ignore[misc]
