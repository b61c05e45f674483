"""Whether raters agree, beyond what chance gives."""

import krippendorff
import numpy as np
import pytest
from vote_case import vote

from fencun.evaluate.agreement import _error, agreement
from fencun.evaluate.table import tabulate


def test_repeats_count_for_self_agreement_only() -> None:
    first = vote(0, "left")
    same = vote(4, "right", left="prompt", right="tuned", repeat_of="v0", brief="b0")
    other = vote(8, "left", left="prompt", right="tuned", repeat_of="v0", brief="b0")
    table = tabulate([first, same, other], ["prompt", "tuned"])
    assert len(table.first_time()) == 1
    rate = agreement(table).self_agreement
    assert (rate.count, rate.total) == (1, 2)


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
