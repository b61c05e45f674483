"""The verdict of a study: its frozen files in, a decision with its reasons out; nothing else.

Equal files give equal verdicts, to the last digit.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, median
from typing import Any

from fencun.evaluate.blocks import Block, blocks
from fencun.evaluate.decide import PURPOSES, Check, Purpose, Ruling
from fencun.evaluate.facts import Background, Facts
from fencun.evaluate.planning import next_look, reached
from fencun.evaluate.records import Answer, Vote
from fencun.evaluate.rules import Decision, VerdictRules
from fencun.evaluate.seats import Seats, seated
from fencun.evaluate.sequential import Conclusion, conclude, hangs_on
from fencun.evaluate.study import VOTES, Study
from fencun.evaluate.table import VoteTable, settle_pairs, tabulate
from fencun.files import Json, sha256_file
from fencun.language import say


@dataclass(frozen=True, slots=True)
class ArmCost:
    """What one arm costs, as measured when it answered: per answer, means; seconds the median."""

    arm: str
    answered: int
    asked: int
    prompt_tokens: float
    completion_tokens: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, what it rests on, and what would change it.

    ``set_aside`` are votes that cannot count: their answer changed or does not exist.
    ``seats`` tells whose votes were counted once; ``votes`` are those that count, in the order
    in which they came. ``hangs_on`` names raters without any one of whom it were another.
    """

    study: Study
    rules: VerdictRules
    done: Conclusion
    blocks: tuple[Block, ...]
    hangs_on: Mapping[str, Decision]
    votes: tuple[Vote, ...]
    set_aside: tuple[Vote, ...]
    seats: Seats
    routes: tuple["ArmCost", ...]

    @property
    def facts(self) -> Facts:
        """The statistics at the last look; before the first, only who came."""
        return self.done.facts

    @property
    def ruling(self) -> Ruling:
        """The decision and the rules that it was held against."""
        return self.done.ruling

    @property
    def table(self) -> VoteTable:
        """The votes that were read."""
        return self.done.table

    @property
    def open(self) -> bool:
        """Whether a look was reached: before, nothing that tells the arms apart is shown."""
        return self.done.look is not None

    @property
    def title(self) -> str:
        """The decision in words; where evidence is missing, what blocks it."""
        told = str(self.rules.decisions[self.ruling.decision])
        return say(f"{told}：", f"{told}: ") + self.blocks[0].what if self.blocks else told

    @property
    def lacking(self) -> list[str]:
        """The arms without which no number of votes would settle it."""
        return [r for r in ("prompt", "tuned") if r not in self.study.registration.roles]

    @property
    def names(self) -> dict[str, str]:
        """Rater id to the name the rater gave."""
        return {vote.rater: vote.name or vote.rater for vote in self.votes}


def judge(study: Study, cast: Sequence[Vote] | None = None) -> Verdict:
    """Return the verdict of ``study`` from its frozen files; ``cast`` are votes in their place.

    Raises:
        FencunError: the answers are not frozen yet, or a frozen file was changed.
    """
    study.check()
    answers, rules = study.answers(), study.rules
    places = _places(answers)
    valid, set_aside = _valid(study.votes() if cast is None else cast, places)
    seats = seated(valid)
    votes = sorted(seats.counted, key=lambda vote: (vote.at, vote.id))
    briefs = [sample.id for sample in study.briefs()]
    table = tabulate(
        votes,
        study.arms,
        briefs,
        settle_pairs(study.texts()),
        draws=study.registration.draws,
        draw=lambda vote: min(_shared(vote, places)),
    )
    background = Background(
        roles=study.registration.roles,
        answered=_answered(answers, study),
        unfit=study.registration.unfit,
        briefs=len(briefs),
    )
    look = reached(sum(not vote.repeat_of for vote in votes), study.planned, rules.plan)
    if look:
        background = replace(background, reasons=_reasons(_until(votes, look.votes)))
    done = conclude(table, background, rules, study.planned)
    return Verdict(
        study,
        rules,
        done,
        tuple(blocks(done, rules)),
        hangs_on(done, rules),
        tuple(votes),
        tuple(set_aside),
        seats,
        tuple(_route(arm, [a for a in answers if a.arm == arm]) for arm in study.arms),
    )


def _until(votes: Sequence[Vote], count: int) -> list[Vote]:
    """Return the first ``count`` votes that repeat nothing."""
    return [vote for vote in votes if not vote.repeat_of][:count]


Places = Mapping[tuple[str, str], frozenset[int]]  # arm, hash of brief and text: its draws


def _places(answers: Sequence[Answer]) -> Places:
    found: dict[tuple[str, str], frozenset[int]] = {}
    for answer in answers:
        key = answer.arm, answer.hash
        found[key] = found.get(key, frozenset()) | {answer.draw}
    return found


def _shared(vote: Vote, places: Places) -> frozenset[int]:
    """Return the draws in which both texts of ``vote`` stand, as they are now."""
    left = places.get((vote.left, vote.left_hash), frozenset())
    return left & places.get((vote.right, vote.right_hash), frozenset())


def _valid(votes: Sequence[Vote], places: Places) -> tuple[list[Vote], list[Vote]]:
    """Part the votes on answers as they are from those on answers that changed or never were."""
    good: list[Vote] = []
    bad: list[Vote] = []
    for vote in votes:
        (good if _shared(vote, places) else bad).append(vote)
    return good, bad


def _answered(answers: Sequence[Answer], study: Study) -> dict[str, float]:
    given = Counter(answer.arm for answer in answers if not answer.failed)
    asked = len(study.briefs()) * study.registration.draws
    return {arm: given[arm] / asked for arm in study.arms}


def _reasons(votes: Sequence[Vote]) -> dict[str, dict[str, int]]:
    """Return what raters tapped, counted for each arm."""
    counts: dict[str, Counter[str]] = {}
    for vote in votes:
        if vote.repeat_of:
            continue
        for arm, opinion in ((vote.left, vote.left_opinion), (vote.right, vote.right_opinion)):
            counts.setdefault(arm, Counter()).update(opinion.reasons)
    return {arm: dict(counted) for arm, counted in counts.items()}


def _route(arm: str, answers: Sequence[Answer]) -> ArmCost:
    good = [answer for answer in answers if not answer.failed]
    return ArmCost(
        arm,
        len(good),
        len(answers),
        round(fmean(a.prompt_tokens for a in good), 1) if good else 0.0,
        round(fmean(a.completion_tokens for a in good), 1) if good else 0.0,
        round(median(a.seconds for a in good), 3) if good else 0.0,
    )


def to_json(verdict: Verdict) -> Json:
    """Return the verdict as plain data: equal inputs, equal output."""
    facts, study = verdict.facts, verdict.study
    votes_file = study.folder / VOTES
    told = {
        "study": study.name,
        "decision": verdict.ruling.decision,
        "title": {
            "zh": verdict.rules.decisions[verdict.ruling.decision].zh,
            "en": verdict.rules.decisions[verdict.ruling.decision].en,
        },
        "arm": verdict.ruling.arm,
        "blocks": [asdict(block) for block in verdict.blocks],
        "votes_planned": verdict.done.planned,
        "votes_cast": verdict.done.cast,
        "votes_read": facts.votes if verdict.open else 0,
        "next_look": next_look(verdict.done.cast, verdict.done.planned, verdict.rules.plan),
        "lacking_arms": verdict.lacking,
        "reasons_for_it": [check.rule for check in verdict.ruling.reasons],
        "without_odd_raters": verdict.done.without_odd,
        "hangs_on": {verdict.names.get(r, r): other for r, other in verdict.hangs_on.items()},
        "counted_once": [asdict(group) for group in verdict.seats.groups],
        "rules_changed": study.amended,
        "checks": [
            asdict(check) | verdict.rules.rules[check.rule].told.model_dump()
            for check in verdict.ruling.checks
        ],
        "votes": facts.votes,
        "votes_set_aside": [vote.id for vote in verdict.set_aside],
        "raters": facts.raters,
        "raters_effective": round(facts.raters_effective, 2),
        "briefs": facts.briefs,
        "fit": facts.fit,
        "neither_share": facts.neither_share,
        "comparisons": [asdict(c) | {"better": c.better} for c in facts.comparisons],
        "pairs": [asdict(rate) | {"votes": rate.votes} for rate in facts.pairs],
        "arms": [asdict(rate) for rate in facts.arms],
        "reasons": {arm: dict(counts) for arm, counts in facts.background.reasons.items()},
        "agreement": asdict(facts.agreement) if facts.agreement else None,
        "odd_raters": [
            asdict(odd) | {"name": verdict.names.get(odd.rater, odd.rater)}
            for odd in facts.oddities
        ],
        "routes": [asdict(route) for route in verdict.routes],
        "inputs": {
            "rules": verdict.rules.hash,
            "fingerprint": study.registration.fingerprint,
            "votes": sha256_file(votes_file) if votes_file.exists() else None,
        },
    }
    return finite(told)  # type: ignore[no-any-return]


def finite(value: Any) -> Any:
    """Return ``value`` with None in place of what no JSON can say: an error without bound."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule as people read it: ``mark`` is ✓ met, ✗ missed, – nothing to measure yet."""

    mark: str
    sentence: str
    number: str


def lines(verdict: Verdict, checks: Sequence[Check]) -> list[RuleLine]:
    """Return ``checks`` with their sentences and numbers."""
    return [
        RuleLine(
            "–" if check.value is None else "✓" if check.met else "✗",
            str(verdict.rules.rules[check.rule].told),
            told_value(check.rule, check.value, check.note),
        )
        for check in checks
    ]


def groups(verdict: Verdict) -> list[tuple[str, list[RuleLine]]]:
    """Return all rules by what they are there for: the title, and its lines."""
    titles: dict[Purpose, str] = {
        "judge": say("能不能下结论", "To be decided at all"),
        "worth": say("值得微调，要这几条", "To be worth fine-tuning"),
        "enough": say("更省的一组就够，要这几条", "For a cheaper arm to be enough"),
        "settled": say("“对”有没有说清楚", "Whether it is settled what right means"),
    }
    found = []
    for purpose, title in titles.items():
        checks = [c for c in verdict.ruling.checks if c.rule in PURPOSES[purpose]]
        if checks:
            found.append((title, lines(verdict, checks)))
    return found


def told_value(rule: str, value: float | None, note: str) -> str:
    """Return a measured number as people read it; ``note`` names the arm, or says why."""
    if rule in ("task", "robust"):
        shown = say("是", "yes") if value else say("否", "no")
    elif value is None:
        shown = say("还没有数", "not measured")
    elif rule in ("raters", "briefs"):
        shown = f"{value:.1f}".removesuffix(".0")
    elif rule in ("agree", "consistent"):
        shown = f"{value:.2f}"
    else:
        shown = f"{100 * value:.0f}%"
    return say(f"{shown}（{note}）", f"{shown} ({note})") if note else shown
