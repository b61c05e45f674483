"""Everything a verdict may look at, counted once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fencun.evaluate.agreement import Agreement, agreement
from fencun.evaluate.clusters import effective
from fencun.evaluate.oddities import Oddity, oddities
from fencun.evaluate.rates import ArmRate, PairRate, arm_rates, pair_rates
from fencun.evaluate.rules import CHEAPER
from fencun.evaluate.strengths import Comparison, Strengths, compare_all, fits, strengths
from fencun.evaluate.table import NEITHER, VoteTable

FITS = 0.05  # below this, one strength an arm does not explain who beats whom


@dataclass(frozen=True, slots=True)
class Background:
    """What is known besides votes.

    ``roles`` names the arm that plays bare, prompt, rag and tuned; ``answered`` is the share
    of briefs that each arm answered; ``reasons`` counts, for each arm, what raters tapped;
    ``unfit`` says why the task was declared unfit (empty if it was not); ``briefs`` is how
    many briefs the study has.
    """

    roles: Mapping[str, str]
    answered: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unfit: str = ""
    briefs: int = 78


@dataclass(frozen=True, slots=True)
class Contest:
    """``a`` against ``b`` by all votes and by the votes on this very pair.

    ``low`` and ``high`` are those of all votes where one strength an arm explains them, else
    those of the pair alone.
    """

    share: float
    low: float
    high: float
    error: float
    direct: float
    direct_low: float
    direct_high: float


@dataclass(frozen=True, slots=True)
class Facts:
    """The statistics of a study's votes, and its background. Without votes the rest is empty.

    ``raters`` and ``briefs`` are plain counts, ``raters_effective`` and ``briefs_effective``
    what they are worth, as busy as they were; ``fit`` is the p-value of :func:`fits`.
    """

    background: Background
    confidence: float
    votes: int = 0
    raters: int = 0
    briefs: int = 0
    raters_effective: float = 0.0
    briefs_effective: float = 0.0
    strengths: Strengths | None = None
    comparisons: tuple[Comparison, ...] = ()
    fit: float | None = None
    pairs: tuple[PairRate, ...] = ()
    arms: tuple[ArmRate, ...] = ()
    agreement: Agreement | None = None
    oddities: tuple[Oddity, ...] = ()
    neither_share: float = 0.0

    @property
    def transitive(self) -> bool:
        """Whether one strength an arm explains who beats whom."""
        return self.fit is None or self.fit >= FITS

    def rivals(self) -> list[str]:
        """Return the arms that cost less than tuning, those in this study, cheapest first."""
        roles = self.background.roles
        return [roles[role] for role in CHEAPER if role in roles]

    def contest(self, a: str, b: str) -> Contest | None:
        """Return ``a`` against ``b``; None without votes."""
        for one in self.comparisons:
            if {one.a, one.b} == {a, b}:
                return _contest(one, self.transitive, turned=one.a != a)
        return None

    def closest_rival(self) -> str | None:
        """Return the rival that the tuned arm beats least; None without votes or rivals."""
        tuned = self.background.roles.get("tuned", "")
        found = {rival: self.contest(tuned, rival) for rival in self.rivals()}
        known = {rival: one.share for rival, one in found.items() if one}
        return min(known, key=lambda rival: known[rival]) if known else None

    def rate(self, arm: str) -> ArmRate | None:
        """Return how people took ``arm``; None without votes."""
        return next((rate for rate in self.arms if rate.arm == arm), None)


def _contest(one: Comparison, transitive: bool, *, turned: bool) -> Contest:
    direct = one.direct
    share = 0.5 if direct.share is None else direct.share
    plain = (one.share, one.low, one.high, share, direct.low, direct.high)
    if turned:
        plain = tuple(1 - plain[at] for at in (0, 2, 1, 3, 5, 4))  # type: ignore[assignment]
    all_share, low, high, share, direct_low, direct_high = plain
    error = one.error
    if not transitive:
        all_share, low, high, error = share, direct_low, direct_high, direct.error
    return Contest(all_share, low, high, error, share, direct_low, direct_high)


def gather(table: VoteTable, background: Background, confidence: float) -> Facts:
    """Count everything a verdict may look at. Deterministic for equal votes."""
    if not len(table):
        return Facts(background, confidence)
    first = table.first_time()
    strength = strengths(table)
    return Facts(
        background=background,
        confidence=confidence,
        votes=len(first),
        raters=len(np.unique(first.rater)),
        briefs=len(np.unique(first.brief)),
        raters_effective=effective(first.rater),
        briefs_effective=effective(first.brief),
        strengths=strength,
        comparisons=tuple(compare_all(table, strength, confidence)),
        fit=fits(table, strength),
        pairs=tuple(pair_rates(table, confidence)),
        arms=tuple(arm_rates(table, confidence)),
        agreement=agreement(table),
        oddities=tuple(oddities(table)),
        neither_share=float((first.choice == NEITHER).mean()),
    )


def without(table: VoteTable, raters: set[str]) -> VoteTable:
    """Return the votes without those of ``raters``."""
    keep = np.array([table.raters[index] not in raters for index in table.rater], dtype=np.bool_)
    return table.where(keep)
