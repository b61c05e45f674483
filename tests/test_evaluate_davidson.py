"""The choice model with ties and neither: against choix, and by Davidson's own example."""

import dataclasses
import math

import choix
import numpy as np
import pytest
from scipy import optimize

from fencun.evaluate.davidson import Choices, fit


def counted(rows: list[tuple[int, int, tuple[int, ...]]]) -> Choices:
    """Return choices from (low arm, high arm, how often each outcome)."""
    flat = [(a, b, out, n) for a, b, counts in rows for out, n in enumerate(counts)]
    low, high, outcome, weight = (np.array(column) for column in zip(*flat, strict=True))
    return Choices(low, high, outcome, weight.astype(float), np.zeros((len(flat), 0)))


def test_without_ties_the_fit_is_the_fit_of_choix() -> None:
    random = np.random.default_rng(3)
    for _ in range(5):
        wins = random.integers(1, 30, (5, 5)).astype(float)
        pairs = [(a, b) for a in range(5) for b in range(a + 1, 5)]
        ours = fit(counted([(a, b, (wins[a, b], wins[b, a])) for a, b in pairs]), 5, prior=0.0)
        np.fill_diagonal(wins, 0)
        theirs = choix.ilsr_pairwise_dense(wins, max_iter=500)
        np.testing.assert_allclose(ours.values[:5], theirs, atol=1e-6)


def test_ties_are_those_of_davidsons_own_example() -> None:
    # Davidson (1970), example 2: chocolate puddings of six brands, (i, j): i, j preferred, tied.
    # Worths and ν as published there; errors as PlackettLuce 0.4.3 (R) tells them of these data.
    puddings = [
        (0, 1, (19, 22, 16)), (0, 2, (16, 19, 12)), (1, 2, (19, 19, 10)), (0, 3, (18, 23, 13)),
        (1, 3, (23, 19, 9)), (2, 3, (19, 20, 15)), (0, 4, (13, 19, 18)), (1, 4, (16, 20, 12)),
        (2, 4, (16, 15, 17)), (3, 4, (17, 14, 16)), (0, 5, (18, 21, 12)), (1, 5, (22, 20, 12)),
        (2, 5, (13, 18, 10)), (3, 5, (14, 19, 18)), (4, 5, (11, 21, 12)),
    ]  # fmt: skip
    found = fit(counted(puddings), 6, prior=0.0)
    worth = np.exp(found.values[:6])
    np.testing.assert_allclose(
        worth / worth.sum(), [0.1388, 0.1730, 0.1617, 0.1654, 0.1587, 0.2024], atol=6e-5
    )
    assert math.exp(found.values[-1]) == pytest.approx(0.7468, abs=1e-4)
    covariance = np.linalg.inv(found.total)
    last_over_first = np.array([-1.0, 0, 0, 0, 0, 1, 0])
    assert math.sqrt(last_over_first @ covariance @ last_over_first) == pytest.approx(
        0.1924, abs=1e-4
    )
    assert math.sqrt(covariance[-1, -1]) == pytest.approx(0.0825, abs=1e-4)


def test_with_a_control_the_fit_is_that_of_a_logistic_regression() -> None:
    """Chatbot Arena's style control: arms and differences of style in one logistic regression."""
    random = np.random.default_rng(11)
    low, high = random.integers(0, 2, 400), random.integers(2, 4, 400)
    control = random.normal(0, 1, (400, 2)) + 0.5 * (high - low)[:, None]
    truth = np.array([0.2, -0.4, 0.6, 0.0, 0.8, -0.3])
    design = np.hstack([np.eye(4)[low] - np.eye(4)[high], control])
    won = random.random(400) < 1 / (1 + np.exp(-design @ truth))

    def loss(values: np.ndarray) -> float:
        along = design @ values * np.where(won, 1, -1)
        return float(np.logaddexp(0, -along).sum() + 0.5 * values[:4].sum() ** 2)

    theirs = optimize.minimize(loss, np.zeros(6), tol=1e-10).x
    ours = fit(Choices(low, high, np.where(won, 0, 1), np.ones(400), control), 4, prior=0.0)
    np.testing.assert_allclose(ours.values[:6], theirs, atol=1e-4)


def test_of_two_arms_the_share_is_wins_and_half_the_ties() -> None:
    found = fit(counted([(0, 1, (30, 14, 20))]), 2, prior=0.0)
    share, _ = found.worth(np.array([1.0, -1.0, 0.0]))
    assert share == pytest.approx((30 + 10) / 64)


def test_the_slope_of_a_share_is_that_of_moving_the_parameters() -> None:
    found = fit(counted([(0, 1, (30, 14, 20)), (1, 2, (9, 12, 3)), (0, 2, (8, 5, 9))]), 3, 0.5)
    contrast = np.array([1.0, 0.0, -1.0, 0.0])
    share, slope = found.worth(contrast)

    def odds(values: np.ndarray) -> float:
        moved, _ = dataclasses.replace(found, values=values).worth(contrast)
        return math.log(moved / (1 - moved))

    for at in range(4):
        step = np.zeros(4)
        step[at] = 1e-5
        numeric = (odds(found.values + step) - odds(found.values - step)) / 2e-5
        assert slope[at] == pytest.approx(numeric, abs=1e-6)
    assert 0.5 < share < 1


def test_neither_is_one_more_thing_to_choose() -> None:
    # Outcomes as Davidson and Luce would have them: weights a, b, 0.5 √(ab), and 1 for neither.
    worths, tie, total = (2.0, 0.5), 0.5, 10_000
    weights = np.array([*worths, tie * math.sqrt(worths[0] * worths[1]), 1.0])
    rows = counted([(0, 1, tuple(total * weights / weights.sum()))])
    found = fit(rows, 2, prior=0.0, neither=True)
    np.testing.assert_allclose(np.exp(found.values), [*worths, tie], rtol=1e-6)
