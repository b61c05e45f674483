"""No verdict that a weak rival, one busy person or an early look can buy: small simulations.

The trials are those of benchmarks/evidence.py, which runs them large; here each with a
tolerance that a sound program exceeds less than once in a thousand.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from fencun.evaluate.facts import Background, gather
from fencun.evaluate.simulate import ARMS, World, simulate

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import evidence

SEED = 47_000_000


def test_a_weak_prompt_buys_nothing_and_is_to_be_mended() -> None:
    found = evidence.weak_rival(12, SEED)
    assert found["worth"] == 0
    assert found["mend"] >= 0.75


def test_identical_answers_count_as_ties() -> None:
    found = evidence.identical(8, SEED)
    assert found["truth"] == pytest.approx(0.62)
    assert found["reported"] == pytest.approx(found["truth"], abs=0.05)


def test_being_silent_on_the_worst_briefs_gains_nothing() -> None:
    assert evidence.silent(8, SEED)["gain"] < 0.0


def test_odd_raters_are_named_as_often_as_is_told() -> None:
    found = evidence.odd_raters(12, SEED)
    assert found["contradicts"] == 1.0
    assert found["four_buttons"] >= 0.75
    assert found["left_80"] >= 0.35
    assert found["honest"] <= 0.06


def test_the_planned_votes_find_the_registered_effect() -> None:
    # 80 % are promised; 30 studies of a program that keeps it give fewer than 17 once in 1,000.
    assert evidence.power(30, SEED)["worth"] >= 17 / 30


def test_looking_after_every_twenty_votes_buys_no_verdict() -> None:
    # Of 20 studies 5 % each: more than 4 are false less than three times in a thousand.
    worlds = ("fifty_five", "briefs_differ", "raters_differ", "three_busy", "six_raters")
    found = evidence.peeking(20, SEED, (*worlds, "half_sent"))
    assert found.keys() == {*worlds, "half_sent"}
    assert max(found.values()) <= 0.2


def test_equal_arms_blame_nobody() -> None:
    found = evidence.equal_arms(15, SEED)
    assert found["direction"] == 0
    assert found["worth"] == 0
    assert found["better"] <= 0.34


def test_intervals_of_sending_hold_the_truth() -> None:
    assert evidence.sending(60, SEED)["coverage"] >= 0.82


def test_three_busy_raters_of_twelve_make_nothing_better() -> None:
    assert evidence.busy(30, SEED)["better"] <= 0.2


def test_intervals_of_a_preference_hold_the_truth() -> None:
    found = evidence.coverage(30, SEED)
    assert found["all_votes"] >= 0.8
    assert found["direct"] >= 0.8


def test_several_texts_and_an_arm_more_keep_the_power() -> None:
    assert evidence.several_texts(15, SEED)["worth"] >= 7 / 15
    assert evidence.five_arms(10, SEED)["worth"] >= 4 / 10


def test_writing_more_is_not_writing_better() -> None:
    found = evidence.longer(6, SEED)
    assert found["raw"] > 0.6
    assert found["at_equal_length"] == pytest.approx(0.5, abs=0.06)


def test_a_judge_that_leans_does_not_move_the_interval_from_the_truth() -> None:
    found = evidence.screening(25, SEED)
    assert found["coverage"] >= 0.76
    assert found["votes_worth"] > 1.0


def test_a_circle_is_shown_and_decides_nothing() -> None:
    found = evidence.circle(10, SEED)
    assert found["worth"] == 0
    assert found["misfit_shown"] >= 0.5
    assert found["direct"] == pytest.approx(0.5, abs=0.05)
    assert found["by_strength"] > 0.55


def test_the_order_of_votes_and_a_seed_change_no_digit() -> None:
    table = simulate(World(), np.random.default_rng(SEED))
    first = table.first_time()
    turned = first.where(np.ones(len(first), dtype=np.bool_))
    order = np.random.default_rng(1).permutation(len(first))
    columns = ("rater", "brief", "left", "right", "choice", "send", "seconds")
    import dataclasses

    turned = dataclasses.replace(first, **{name: getattr(first, name)[order] for name in columns})
    roles = {arm: arm for arm in ARMS}
    one, other = (gather(t, Background(roles), 0.95) for t in (first, turned))
    for mine, theirs in zip(one.comparisons, other.comparisons, strict=True):
        assert mine.low == pytest.approx(theirs.low, abs=1e-9)
        assert mine.direct.high == pytest.approx(theirs.direct.high, abs=1e-9)


@pytest.mark.slow
def test_false_verdicts_in_many_studies_are_at_most_five_percent() -> None:
    found = evidence.peeking(400, SEED + 1_000_000, ("fifty_five",))
    assert found["fifty_five"] <= 0.075  # 5 %, and what 400 studies leave open
    assert evidence.peeking(40, SEED + 1_000_000, ("equal",))["equal"] <= 0.15
