"""The model of one vote: left, right, equally good, or neither, as a choice among weights.

Davidson (1970), "On extending the Bradley-Terry model to accommodate ties in paired comparison
experiments": arms of strength a and b are chosen as a : b, a tie as ν√(ab). Neither is a choice
of its own, of weight 1 (Luce 1959: nothing to send is one more thing to choose): strengths are
then absolute, and given that it is not neither the votes are Davidson's. Without ties it is
Bradley and Terry's. All of it is one multinomial logit, fitted by Newton's method.
"""

from dataclasses import dataclass

import numpy as np

from fencun.evaluate.table import LEFT, NEITHER, RIGHT, TIE, Floats, Ints

_STEPS = 50
_CONVERGED = 1e-10
_RIDGE = 1e-3  # next to nothing, so that two controls that say the same have an answer
_WORTH = np.array([1.0, 0.0, 0.5, 0.5])  # what an outcome counts for the arm of the lower index


@dataclass(frozen=True, slots=True)
class Choices:
    """n choices: ``outcome`` LEFT where arm ``low`` won, RIGHT where ``high`` did, TIE, NEITHER.

    ``weight`` is what each counts; ``control``, (n, f), by how much the text of ``low`` is more
    of something than that of ``high``.
    """

    low: Ints
    high: Ints
    outcome: Ints
    weight: Floats
    control: Floats

    def __len__(self) -> int:
        return len(self.outcome)


@dataclass(frozen=True, slots=True)
class Fit:
    """Parameters, (p,): a log strength an arm, one a control, and log ν last.

    ``score`` (n, p) is what each choice adds to the equations that are solved; ``information``
    (n, p, p) what it adds to the curvature; ``total`` the whole of it, priors included.
    ``expected`` (n,) is how much of a win for ``low`` is expected, a tie being half a win;
    ``slope`` (n, p) how that moves with the parameters.
    """

    values: Floats
    tied: bool
    score: Floats
    information: Floats
    total: Floats
    expected: Floats
    slope: Floats

    def worth(self, contrast: Floats) -> tuple[float, Floats]:
        """Return the share that ``contrast`` (p numbers: +1 and -1 at two arms) wins of the other,
        and how its log odds move with the parameters.
        """
        along = contrast.copy()
        along[-1] = 0.0
        distance = float(self.values @ along)
        tie = np.exp(self.values[-1]) if self.tied else 0.0
        weights = np.array([np.exp(distance / 2), np.exp(-distance / 2), tie])
        chance = weights / weights.sum()
        share = float(chance @ _WORTH[:3])
        by_distance = float(chance @ _WORTH[:3] ** 2) - share**2
        by_tie = chance[TIE] * (0.5 - share)
        gradient = by_distance * along
        gradient[-1] = by_tie
        slope: Floats = gradient / (share * (1.0 - share))
        return share, slope


def fit(choices: Choices, arms: int, prior: float, *, neither: bool = False) -> Fit:
    """Return the fit of ``choices`` among ``arms`` arms.

    ``prior`` wins are added to each side of each pair (and with ``neither`` as many of those),
    so that a clean sweep stays finite. Without ``neither`` strengths have mean 0.
    """
    features = _features(choices, arms, neither=neither)
    before = _prior(arms, choices.control.shape[1], prior, neither=neither)
    extra = _features(before, arms, neither=neither)
    tied = bool(((choices.outcome == TIE) & (choices.weight > 0)).any())
    size = features.shape[2]
    values, pin = np.zeros(size), np.zeros((size, size))
    controls = np.arange(arms, size - 1)
    pin[controls, controls] = _RIDGE
    if not neither:
        pin[:arms, :arms] = 1.0 / arms
    if not tied:  # nobody ever said so: ν is 0, and nothing is to be learnt of it
        pin[-1, -1] = 1.0
    for _ in range(_STEPS):
        score, information = _moments(choices, features, values, tied=tied)
        more, curvature = _moments(before, extra, values, tied=tied)
        total = information.sum(axis=0) + curvature.sum(axis=0) + pin
        pull = score.sum(axis=0) + more.sum(axis=0)
        pull[controls] -= _RIDGE * values[controls]
        step = np.linalg.solve(total, pull)
        values = values + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _CONVERGED:
            break
    if not neither:
        values[:arms] -= values[:arms].mean()
    expected, slope = _expected(features, values, tied=tied)
    return Fit(values, tied, score, information, total, expected, slope)


def _features(choices: Choices, arms: int, *, neither: bool) -> Floats:
    """Return what speaks for each outcome of each choice, (n, outcomes, p)."""
    count, controls = choices.control.shape
    features = np.zeros((count, NEITHER + neither, arms + controls + 1))
    at = np.arange(count)
    for outcome, (low, high) in ((LEFT, (1.0, 0.0)), (RIGHT, (0.0, 1.0)), (TIE, (0.5, 0.5))):
        features[at, outcome, choices.low] += low
        features[at, outcome, choices.high] += high
        features[:, outcome, arms:-1] = (low - high) / 2 * choices.control
    features[:, TIE, -1] = 1.0
    return features


def _prior(arms: int, controls: int, prior: float, *, neither: bool) -> Choices:
    outcomes = [LEFT, RIGHT, NEITHER] if neither else [LEFT, RIGHT]
    rows = [(a, b, one) for a in range(arms) for b in range(a + 1, arms) for one in outcomes]
    low, high, outcome = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    nothing = np.zeros((len(rows), controls))
    return Choices(low, high, outcome, np.full(len(rows), prior), nothing)


def _chances(features: Floats, values: Floats, *, tied: bool) -> Floats:
    """Return how likely each outcome of each choice is, (n, outcomes)."""
    weights = np.exp(features @ values)
    if not tied:
        weights[:, TIE] = 0.0
    chances: Floats = weights / weights.sum(axis=1, keepdims=True)
    return chances


def _moments(
    choices: Choices, features: Floats, values: Floats, *, tied: bool
) -> tuple[Floats, Floats]:
    chances = _chances(features, values, tied=tied)
    mean = np.einsum("no,nop->np", chances, features)
    off = features - mean[:, None, :]
    chosen = features[np.arange(len(choices)), choices.outcome] - mean
    spread = (choices.weight[:, None] * chances)[:, :, None] * off
    information: Floats = spread.transpose(0, 2, 1) @ off
    score: Floats = choices.weight[:, None] * chosen
    return score, information


def _expected(features: Floats, values: Floats, *, tied: bool) -> tuple[Floats, Floats]:
    chances = _chances(features, values, tied=tied)
    worth = chances * _WORTH[: chances.shape[1]]
    mean = np.einsum("no,nop->np", chances, features)
    slope: Floats = np.einsum("no,nop->np", worth, features - mean[:, None, :])
    return worth.sum(axis=1), slope
