"""Everything a verdict may look at, counted once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fencun.evaluate.agreement import Agreement, agreement
from fencun.evaluate.oddities import Oddity, oddities
from fencun.evaluate.rates import ArmRate, PairRate, arm_rates, pair_rates
from fencun.evaluate.rules import Rules
from fencun.evaluate.strengths import Comparison, Strengths, compare, compare_all, strengths
from fencun.evaluate.table import VoteTable

RIVALS = ("prompt", "rag")


@dataclass(frozen=True, slots=True)
class Background:
    """What is known besides votes.

    ``roles`` names the arm that plays bare, prompt, rag and tuned; ``answered`` is the share
    of briefs that each arm answered; ``reasons`` counts, for each arm, what raters tapped;
    ``unfit`` says why the task was declared unfit (empty if it was not).
    """

    roles: Mapping[str, str]
    answered: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unfit: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The statistics of a study's votes, and its background. Without votes the rest is empty."""

    background: Background
    confidence: float
    votes: int
    raters: int
    briefs: int
    strengths: Strengths | None
    comparisons: tuple[Comparison, ...]
    pairs: tuple[PairRate, ...]
    arms: tuple[ArmRate, ...]
    agreement: Agreement | None
    oddities: tuple[Oddity, ...]
    neither_share: float

    def rivals(self) -> list[str]:
        """Return the arms that fine-tuning has to beat, those in this study."""
        roles = self.background.roles
        return [roles[role] for role in RIVALS if role in roles]

    def compared(self, a: str, b: str) -> Comparison | None:
        """Return ``a`` against ``b``; None without votes."""
        if not self.strengths:
            return None
        return compare(self.strengths, a, b, confidence=self.confidence)

    def strongest_rival(self) -> str | None:
        """Return the rival with the highest strength; None without votes or rivals."""
        rivals = self.rivals()
        if not self.strengths or not rivals:
            return None
        value = dict(zip(self.strengths.arms, self.strengths.values, strict=True))
        return max(rivals, key=lambda arm: float(value[arm]))

    def sent(self, arm: str) -> float | None:
        """Return the share of ``arm``'s answers that raters would send as they are."""
        return next((rate.send.share for rate in self.arms if rate.arm == arm), None)

    def pair_votes(self, a: str, b: str) -> int:
        """Return how many votes there are on ``a`` against ``b``."""
        return next((rate.votes for rate in self.pairs if {rate.a, rate.b} == {a, b}), 0)


def gather(table: VoteTable, background: Background, rules: Rules) -> Facts:
    """Count everything a verdict may look at. Deterministic for equal votes."""
    if not len(table):
        return Facts(background, rules.confidence, 0, 0, 0, None, (), (), (), None, (), 0.0)
    first = table.first_time()
    strength = strengths(table)
    return Facts(
        background=background,
        confidence=rules.confidence,
        votes=len(first),
        raters=len(np.unique(first.rater)),
        briefs=len(np.unique(first.brief)),
        strengths=strength,
        comparisons=tuple(compare_all(strength, confidence=rules.confidence)),
        pairs=tuple(pair_rates(table, rules.confidence)),
        arms=tuple(arm_rates(table, rules.confidence)),
        agreement=agreement(table),
        oddities=tuple(oddities(table)),
        neither_share=float((first.choice == 3).mean()),
    )


def without_odd(table: VoteTable, facts: Facts, background: Background, rules: Rules) -> Facts:
    """Return the facts without the votes of raters found odd."""
    odd = {oddity.rater for oddity in facts.oddities}
    keep = np.array([table.raters[index] not in odd for index in table.rater], dtype=np.bool_)
    return gather(table.where(keep), background, rules)
