"""A verdict at the registered looks and at no other time, however often somebody asks.

Before the first look there is progress and no lead; at a look, exactly so many votes are read,
the first that came; votes after it wait for the next one. So the chance of a false verdict is
that of the looks together (Jennison & Turnbull 2000, "Group Sequential Methods"; the doubt is
split between the looks, which holds whatever the votes have in common).
"""

from dataclasses import dataclass

import numpy as np

from fencun.evaluate.clusters import effective
from fencun.evaluate.decide import Ruling, decide
from fencun.evaluate.facts import Background, Facts, gather, without
from fencun.evaluate.planning import Reached, reached
from fencun.evaluate.rules import Decision, VerdictRules
from fencun.evaluate.table import VoteTable


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a study's votes say now.

    ``cast`` counts all votes that repeat nothing, ``planned`` those of the plan; ``look`` is
    the last one reached (None: none yet, and then ``facts`` tell nothing of the arms).
    ``without_odd`` is the decision without the votes of odd raters (None: none are odd).
    """

    cast: int
    planned: int
    look: Reached | None
    table: VoteTable
    facts: Facts
    ruling: Ruling
    without_odd: Decision | None


def conclude(
    table: VoteTable, background: Background, rules: VerdictRules, planned: int
) -> Conclusion:
    """Return what the votes of ``table``, in the order in which they came, say by ``rules``."""
    cast = int((table.earlier < 0).sum())
    look = reached(cast, planned, rules.plan)
    if look is None:
        facts = _progress(table, background, rules)
        ruling = decide(facts, rules, planned=cast / planned)
        return Conclusion(cast, planned, None, table, facts, ruling, None)
    table = table.first(look.votes)
    facts = gather(table, background, look.look.confidence)
    ruling, other = decide(facts, rules), None
    if facts.oddities:
        odd = {oddity.rater for oddity in facts.oddities}
        other = _without(table, odd, background, rules, look)
        ruling = decide(facts, rules, robust=other == ruling.decision)
    return Conclusion(cast, planned, look, table, facts, ruling, other)


def _progress(table: VoteTable, background: Background, rules: VerdictRules) -> Facts:
    """Who came and how much is in: nothing that tells one arm from another."""
    first = table.first_time()
    return Facts(
        background=background,
        confidence=rules.plan.looks[0].confidence,
        votes=len(first),
        raters=len(np.unique(first.rater)),
        briefs=len(np.unique(first.brief)),
        raters_effective=effective(first.rater),
        briefs_effective=effective(first.brief),
    )


def _without(
    table: VoteTable, raters: set[str], background: Background, rules: VerdictRules, look: Reached
) -> Decision:
    facts = gather(without(table, raters), background, look.look.confidence)
    return decide(facts, rules).decision


def hangs_on(done: Conclusion, rules: VerdictRules) -> dict[str, Decision]:
    """Return the raters without any one of whom the decision were another, and which."""
    if done.look is None:
        return {}
    found = {}
    for index in np.unique(done.table.rater):
        rater = done.table.raters[index]
        other = _without(done.table, {rater}, done.facts.background, rules, done.look)
        if other != done.ruling.decision:
            found[rater] = other
    return found
