"""The decision: registered rules applied to the facts, every number that met or missed shown."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from fencun.evaluate.facts import Facts
from fencun.evaluate.planning import votes_missing, votes_planned
from fencun.evaluate.rules import Decision, RuleName, Rules

# What a rule is there for, in the order people read them.
Purpose = Literal["judge", "worth", "enough", "settled"]
PURPOSES: dict[Purpose, tuple[RuleName, ...]] = {
    "judge": ("task", "invented", "raters", "briefs", "pair_votes", "answered", "robust"),
    "worth": ("beats_prompt", "beats_rag", "effect", "send"),
    "enough": ("tuning_adds_little", "rival_send", "rag_beats_prompt"),
    "settled": ("agree", "self_agree"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One rule, the number it was held against, and whether it was met.

    ``value`` is None where there is nothing to measure, and then the rule is not met.
    """

    rule: RuleName
    value: float | None
    at: float
    met: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision, all checks in their order, and how many more votes would settle it."""

    decision: Decision
    checks: tuple[Check, ...]
    votes_missing: int

    @property
    def reasons(self) -> tuple[Check, ...]:
        """The checks that the decision rests on: those met that ask for it, those missed else."""
        if self.decision == "worth":
            return self._of(*PURPOSES["worth"])
        if self.decision == "rag":
            return self._of(*PURPOSES["enough"])
        if self.decision == "prompt":
            return self._of("tuning_adds_little", "rival_send")
        if self.decision == "unfit":
            return self._of("task", "invented", met=False)
        if self.decision == "direction":
            little = self._of("tuning_adds_little", met=True) and self._of("rival_send", met=False)
            return (*self._of(*PURPOSES["settled"], met=False), *little)
        return self._of(*PURPOSES["judge"], met=False) or self._of(*PURPOSES["worth"], met=False)

    def _of(self, *names: RuleName, met: bool | None = None) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.rule in names and met in (None, c.met))


def decide(facts: Facts, rules: Rules, *, robust: bool | None = None) -> Ruling:
    """Apply ``rules`` to ``facts``. ``robust``: does it stand without odd raters (None: none odd).

    The order: an unfit task; too little evidence; worth it; retrieval; the prompt will do;
    right is not settled; otherwise evidence is missing.
    """
    checks = {check.rule: check for check in _checks(facts, rules, robust)}
    met = {name: check.met for name, check in checks.items()}

    def all_met(*names: RuleName) -> bool:
        return all(met[name] for name in names if name in met)

    return Ruling(
        _decision(all_met, complete={"beats_prompt", "effect"} <= met.keys(), rules_met=met),
        tuple(checks.values()),
        _missing(facts, rules),
    )


def _decision(
    all_met: Callable[..., bool], *, complete: bool, rules_met: dict[RuleName, bool]
) -> Decision:
    if not rules_met["task"]:
        return "unfit"
    enough = all_met("raters", "briefs", "pair_votes", "answered")
    if not complete or not enough:
        return "evidence"
    if not rules_met["invented"]:
        return "unfit"
    if all_met("beats_prompt", "beats_rag", "effect", "send", "robust"):
        return "worth"
    if not all_met("robust"):
        return "evidence"
    little, sendable = rules_met["tuning_adds_little"], rules_met["rival_send"]
    if little and sendable and rules_met.get("rag_beats_prompt"):
        return "rag"
    if little and sendable:
        return "prompt"
    # Settled that tuning adds little, and still nothing can be sent; or raters at odds with
    # each other or with themselves: more votes of the same kind would not help.
    at_odds = not (rules_met["self_agree"] and rules_met["agree"])
    if little or (at_odds and not all_met("beats_prompt", "beats_rag")):
        return "direction"
    return "evidence"


def _checks(facts: Facts, rules: Rules, robust: bool | None) -> Iterator[Check]:
    background = facts.background
    yield _check(rules, "task", 0.0 if background.unfit else 1.0, note=background.unfit)
    yield _invented(facts, rules)
    yield _check(rules, "raters", facts.raters)
    yield _check(rules, "briefs", facts.briefs)
    tuned = background.roles.get("tuned")
    if tuned and facts.rivals():
        fewest = min(facts.pair_votes(tuned, rival) for rival in facts.rivals())
        yield _check(rules, "pair_votes", fewest)
    if background.answered:
        yield _answered(facts, rules)
    if tuned and facts.rivals():
        yield from _contest(facts, rules, tuned)
    if robust is not None:
        yield _check(rules, "robust", float(robust))
    yield from _agreement(facts, rules)


def _answered(facts: Facts, rules: Rules) -> Check:
    worst = min(facts.background.answered, key=lambda arm: facts.background.answered[arm])
    return _check(rules, "answered", facts.background.answered[worst], note=worst)


def _contest(facts: Facts, rules: Rules, tuned: str) -> Iterator[Check]:
    roles = facts.background.roles
    for role, rule in (("prompt", "beats_prompt"), ("rag", "beats_rag")):
        if role in roles:
            against = facts.compared(tuned, roles[role])
            yield _check(rules, rule, against.low if against else None, above=True)  # type: ignore[arg-type]
    rival = facts.strongest_rival()
    against = facts.compared(tuned, rival) if rival else None
    note = rival or ""
    yield _check(rules, "effect", against.share if against else None, note=note)
    yield _check(rules, "send", facts.sent(tuned), note=tuned)
    if "prompt" in roles and "rag" in roles:
        rag = facts.compared(roles["rag"], roles["prompt"])
        yield _check(rules, "rag_beats_prompt", rag.low if rag else None, above=True)
    limit = rules.at("tuning_adds_little")
    high = against.high if against else None
    yield Check("tuning_adds_little", high, limit, high is not None and high < limit, note)
    yield _check(rules, "rival_send", facts.sent(rival) if rival else None, note=note)


def _agreement(facts: Facts, rules: Rules) -> Iterator[Check]:
    """Disagreement must be shown, not assumed: what could not be measured counts as met."""
    agreed = facts.agreement
    highs = [alpha.high for alpha in (agreed.preference, agreed.send)] if agreed else []
    reach = max((high for high in highs if high is not None), default=None)
    at = rules.at("agree")
    yield Check("agree", reach, at, reach is None or reach >= at)
    reach = agreed.self_agreement.high if agreed else None
    at = rules.at("self_agree")
    yield Check("self_agree", reach, at, reach is None or reach >= at)


def _invented(facts: Facts, rules: Rules) -> Check:
    """Made-up facts named most, on answers nobody would send: a task of look-up, not of style."""
    counts: Counter[str] = Counter()
    for reasons in facts.background.reasons.values():
        counts.update(reasons)
    first = counts.most_common(1)
    leads = bool(first) and first[0][0] == "invented"
    at = rules.at("invented")
    return Check("invented", facts.neither_share, at, facts.neither_share < at or not leads)


def _check(
    rules: Rules, name: RuleName, value: float | None, *, above: bool = False, note: str = ""
) -> Check:
    at = rules.at(name)
    met = value is not None and (value > at if above else value >= at)
    return Check(name, value, at, met, note)


def _missing(facts: Facts, rules: Rules) -> int:
    tuned, rival = facts.background.roles.get("tuned"), facts.strongest_rival()
    arms = len(facts.strengths.arms) if facts.strengths else max(2, len(facts.background.roles))
    against = facts.compared(tuned, rival) if tuned and rival else None
    fewest = min((facts.pair_votes(tuned, r) for r in facts.rivals()), default=0) if tuned else 0
    short = math.ceil(rules.at("pair_votes")) - fewest
    if against is None or short > 0:  # so few votes do not tell yet how many it will take
        return max(1, short, votes_planned(arms, rules) - facts.votes)
    return votes_missing(against, facts.votes, arms, rules)
