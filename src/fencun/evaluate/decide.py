"""The decision: registered rules applied to the facts, every number that met or missed shown."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from fencun.evaluate.facts import Contest, Facts
from fencun.evaluate.rules import CHEAPER, Decision, RuleName, VerdictRules

# What a rule is there for, in the order people read them.
Purpose = Literal["judge", "worth", "enough", "settled"]
PURPOSES: dict[Purpose, tuple[RuleName, ...]] = {
    "judge": (
        "task", "invented", "votes", "raters", "briefs", "answered", "prompt_sound", "robust",
    ),
    "worth": ("beats", "direct", "send"),
    "enough": ("adds_little", "enough_send"),
    "settled": ("consistent", "agree"),
}  # fmt: skip


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
    """A decision, and all checks in their order. ``arm`` is the one that the decision names."""

    decision: Decision
    checks: tuple[Check, ...]
    arm: str = ""

    @property
    def reasons(self) -> tuple[Check, ...]:
        """The checks that it rests on; without a decision, what blocks it, or "worth" asks for."""
        if self.decision == "worth":
            return self.of(*PURPOSES["worth"])
        if self.decision in CHEAPER:
            return self.of(*PURPOSES["enough"])
        if self.decision == "unfit":
            return self.of("task", "invented", met=False)
        if self.decision == "mend":
            return self.of("prompt_sound")
        if self.decision == "none":
            return self.of("adds_little", "enough_send", "send")
        if self.decision == "direction":
            return self.of(*PURPOSES["settled"])
        return self.of(*PURPOSES["judge"], met=False) or self.of(*PURPOSES["worth"])

    def of(self, *names: RuleName, met: bool | None = None) -> tuple[Check, ...]:
        """Return the checks of ``names``; with ``met`` only those met, or missed."""
        return tuple(c for c in self.checks if c.rule in names and met in (None, c.met))

    def met(self, name: RuleName) -> bool:
        """Whether a rule holds; one that does not apply holds."""
        return all(check.met for check in self.of(name))


def decide(
    facts: Facts, rules: VerdictRules, *, planned: float = 1.0, robust: bool | None = None
) -> Ruling:
    """Apply ``rules`` to ``facts``.

    ``planned`` is the share of the planned votes that is in; ``robust``: does it stand without
    odd raters (None: none odd). The order: an unfit task; too little evidence; a prompt to be
    mended; worth it; the cheapest arm that nothing beats; none good enough; right is not
    settled; otherwise evidence is missing.
    """
    arm = _enough(facts, rules)
    checks = tuple(_checks(facts, rules, arm, planned, robust))
    ruling = Ruling("evidence", checks, arm)
    return Ruling(_decision(ruling, facts, rules), checks, arm)


def _decision(ruling: Ruling, facts: Facts, rules: VerdictRules) -> Decision:
    def all_met(*names: RuleName) -> bool:
        return all(ruling.met(name) for name in names)

    if not all_met("task"):
        return "unfit"
    complete = {"tuned", "prompt"} <= facts.background.roles.keys()
    if not complete or not all_met("votes", "raters", "briefs", "answered"):
        return "evidence"
    if not all_met("invented"):
        return "unfit"
    if not all_met("robust"):
        return "evidence"
    if not all_met("prompt_sound"):
        return "mend"
    if all_met(*PURPOSES["worth"]):
        return "worth"
    return _not_worth(ruling, facts, rules)


def _not_worth(ruling: Ruling, facts: Facts, rules: VerdictRules) -> Decision:
    roles = facts.background.roles
    little = ruling.met("adds_little")
    if little and ruling.met("enough_send"):
        return next(role for role in CHEAPER if roles.get(role) == ruling.arm)
    if little and _none_sent(facts, rules):
        return "none"
    if ruling.met("consistent") and not ruling.met("agree") and not ruling.met("beats"):
        return "direction"
    return "evidence"


def _enough(facts: Facts, rules: VerdictRules) -> str:
    """Return the cheapest arm that no dearer one adds much to, or the one that comes closest."""
    rivals = facts.rivals()
    highs = {arm: _added(facts, arm) for arm in rivals}
    known = {arm: high for arm, high in highs.items() if high is not None}
    limit, sent = rules.at("adds_little"), rules.at("enough_send")

    def sendable(arm: str) -> bool:
        rate = facts.rate(arm)
        return rate is not None and rate.send.low > sent

    fitting = [arm for arm, high in known.items() if high < limit and _earned(facts, arm)]
    for arm in fitting:
        if sendable(arm):
            return arm
    if fitting:
        return fitting[-1]
    return min(known, key=lambda arm: known[arm]) if known else ""


def _added(facts: Facts, arm: str) -> float | None:
    """Return how much the dearer arms may add to ``arm``: the highest end of their intervals.

    The votes on the very pair must not say otherwise: where they do, they count.
    """
    roles = facts.background.roles
    order = [roles[role] for role in (*CHEAPER, "tuned") if role in roles]
    highs = []
    for other in order[order.index(arm) + 1 :]:
        found = facts.contest(other, arm)
        if found is None:
            return None
        highs.append(max(found.high, found.direct))
    return max(highs, default=None)


def _earned(facts: Facts, arm: str) -> bool:
    """Whether retrieval, to be named, has been shown to beat what is cheaper."""
    roles = facts.background.roles
    if arm != roles.get("rag"):
        return True
    cheaper = [roles[role] for role in ("bare", "prompt") if role in roles]
    return all(_wins(facts.contest(arm, other), 0.5) for other in cheaper)


def _wins(contest: Contest | None, bound: float) -> bool:
    return contest is not None and contest.low > bound and contest.direct_low > 0.5


def _none_sent(facts: Facts, rules: VerdictRules) -> bool:
    """Whether of every arm less than half of the answers would be sent, beyond doubt."""
    at = rules.at("enough_send")
    return bool(facts.arms) and all(rate.send.high < at for rate in facts.arms)


def _checks(
    facts: Facts, rules: VerdictRules, arm: str, planned: float, robust: bool | None
) -> Iterator[Check]:
    background = facts.background
    yield _check(rules, "task", 0.0 if background.unfit else 1.0, note=background.unfit)
    yield _invented(facts, rules)
    yield _check(rules, "votes", planned)
    # As they are shown: five who voted equally much are five, whoever cast the last vote.
    yield _check(rules, "raters", round(facts.raters_effective, 1))
    yield _check(rules, "briefs", round(facts.briefs_effective, 1))
    if background.answered:
        worst = min(background.answered, key=lambda name: background.answered[name])
        yield _check(rules, "answered", background.answered[worst], note=worst)
    yield from _prompt_sound(facts, rules)
    if robust is not None:
        yield _check(rules, "robust", float(robust))
    if "tuned" in background.roles and facts.rivals():
        yield from _worth(facts, rules, background.roles["tuned"])
        yield from _little(facts, rules, arm)
    yield from _agreement(facts, rules)


def _prompt_sound(facts: Facts, rules: VerdictRules) -> Iterator[Check]:
    """A prompt that loses to no prompt at all is no rival: whoever beats it has shown nothing."""
    roles = facts.background.roles
    if not {"bare", "prompt"} <= roles.keys():
        return
    found = facts.contest(roles["prompt"], roles["bare"])
    at = rules.at("prompt_sound")
    high = found.high if found else None
    yield Check("prompt_sound", high, at, high is None or high >= at)


def _worth(facts: Facts, rules: VerdictRules, tuned: str) -> Iterator[Check]:
    found = {rival: facts.contest(tuned, rival) for rival in facts.rivals()}
    known = {rival: contest for rival, contest in found.items() if contest}
    yield _closest(rules, "beats", {rival: one.low for rival, one in known.items()})
    yield _closest(rules, "direct", {rival: one.direct_low for rival, one in known.items()})
    rate = facts.rate(tuned)
    value = rate.send.low if rate and rate.send.share is not None else None
    yield _check(rules, "send", value, above=True, note=tuned)


def _closest(rules: VerdictRules, name: RuleName, lows: Mapping[str, float]) -> Check:
    closest = min(lows, key=lambda rival: lows[rival], default="")
    return _check(rules, name, lows.get(closest), above=True, note=closest)


def _little(facts: Facts, rules: VerdictRules, arm: str) -> Iterator[Check]:
    added, limit = _added(facts, arm) if arm else None, rules.at("adds_little")
    met = added is not None and added < limit and _earned(facts, arm)
    yield Check("adds_little", added, limit, met, arm)
    rate = facts.rate(arm)
    low = rate.send.low if rate and rate.send.share is not None else None
    yield _check(rules, "enough_send", low, above=True, note=arm)


def _agreement(facts: Facts, rules: VerdictRules) -> Iterator[Check]:
    """Disagreement is read only where raters agree with themselves: else nothing told apart."""
    agreed = facts.agreement
    low = agreed.consistency.low if agreed else None
    yield _check(rules, "consistent", low)
    reach = agreed.preference.high if agreed else None
    at = rules.at("agree")
    yield Check("agree", reach, at, reach is None or reach >= at)


def _invented(facts: Facts, rules: VerdictRules) -> Check:
    """Made-up facts named most, on answers nobody would send: a task of look-up, not of style."""
    counts: Counter[str] = Counter()
    for reasons in facts.background.reasons.values():
        counts.update(reasons)
    first = counts.most_common(1)
    leads = bool(first) and first[0][0] == "invented"
    at = rules.at("invented")
    return Check("invented", facts.neither_share, at, facts.neither_share < at or not leads)


def _check(
    rules: VerdictRules, name: RuleName, value: float | None, *, above: bool = False, note: str = ""
) -> Check:
    at = rules.at(name)
    met = value is not None and (value > at if above else value >= at)
    return Check(name, value, at, met, note)
