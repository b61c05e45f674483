"""The verdict of a study: its frozen files in, a decision with its reasons out; nothing else.

Equal files give equal verdicts, to the last digit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median

from fencun.evaluate.decide import PURPOSES, Check, Purpose, Ruling, decide
from fencun.evaluate.facts import Background, Facts, gather, without_odd
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.records import Answer, Vote
from fencun.evaluate.rules import Rules
from fencun.evaluate.study import VOTES, Study
from fencun.evaluate.table import VoteTable, tabulate
from fencun.files import Json, sha256_file
from fencun.language import say


@dataclass(frozen=True, slots=True)
class Route:
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
    ``without_odd`` is the decision without the votes of odd raters (None: none are odd).
    """

    study: Study
    rules: Rules
    facts: Facts
    ruling: Ruling
    without_odd: str | None
    table: VoteTable
    votes: tuple[Vote, ...]
    set_aside: tuple[Vote, ...]
    routes: tuple[Route, ...]

    @property
    def title(self) -> str:
        """The decision in words; where evidence is missing, what of it: often votes."""
        told = str(self.rules.decisions[self.ruling.decision])
        if self.ruling.decision != "evidence":
            return told
        if self.lacking:
            arms = "、".join(self.lacking)
            return say(f"{told}：实验里没有 {arms} 组", f"{told}: no {arms} arm in this study")
        failed = next((c.note for c in self.ruling.reasons if c.rule == "answered"), "")
        if failed:
            return say(f"{told}：{failed} 组没答全", f"{told}: arm {failed} left briefs unanswered")
        missing = self.ruling.votes_missing
        return say(f"{told}，还差 {missing} 票", f"{told}: {missing} more votes needed")

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
    answers = study.by_arm()
    votes, set_aside = _valid(study.votes() if cast is None else cast, answers)
    table = tabulate(votes, study.arms)
    rules = study.rules
    background = Background(
        roles=study.registration.roles,
        answered=_answered(answers, len(study.briefs())),
        reasons=_reasons(votes),
        unfit=study.registration.unfit,
    )
    facts = gather(table, background, rules)
    ruling, other = decide(facts, rules), None
    if facts.oddities:
        other = decide(without_odd(table, facts, background, rules), rules).decision
        ruling = decide(facts, rules, robust=other == ruling.decision)
    routes = tuple(_route(arm, list(answers[arm].values())) for arm in study.arms)
    return Verdict(
        study, rules, facts, ruling, other, table, tuple(votes), tuple(set_aside), routes
    )


def _valid(
    votes: Sequence[Vote], answers: Mapping[str, Mapping[str, Answer]]
) -> tuple[list[Vote], list[Vote]]:
    """Part the votes on answers as they are from those on answers that changed or never were."""
    good: list[Vote] = []
    bad: list[Vote] = []
    for vote in votes:
        shown = ((vote.left, vote.left_hash), (vote.right, vote.right_hash))
        now = [answers.get(arm, {}).get(vote.brief) for arm, _ in shown]
        pairs = zip(now, shown, strict=True)
        fits = all(answer and answer.hash == seen for answer, (_, seen) in pairs)
        (good if fits else bad).append(vote)
    return good, bad


def _answered(answers: Mapping[str, Mapping[str, Answer]], briefs: int) -> dict[str, float]:
    return {
        arm: sum(not answer.failed for answer in given.values()) / briefs
        for arm, given in answers.items()
    }


def _reasons(votes: Sequence[Vote]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for vote in votes:
        if vote.repeat_of:
            continue
        for arm, opinion in ((vote.left, vote.left_opinion), (vote.right, vote.right_opinion)):
            counts.setdefault(arm, Counter()).update(opinion.reasons)
    return {arm: dict(counted) for arm, counted in counts.items()}


def _route(arm: str, answers: Sequence[Answer]) -> Route:
    good = [answer for answer in answers if not answer.failed]
    return Route(
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
    return {
        "study": study.name,
        "decision": verdict.ruling.decision,
        "title": {
            "zh": verdict.rules.decisions[verdict.ruling.decision].zh,
            "en": verdict.rules.decisions[verdict.ruling.decision].en,
        },
        "votes_missing": verdict.ruling.votes_missing,
        "votes_planned": votes_planned(len(study.arms), verdict.rules),
        "lacking_arms": verdict.lacking,
        "reasons_for_it": [check.rule for check in verdict.ruling.reasons],
        "without_odd_raters": verdict.without_odd,
        "checks": [
            asdict(check) | verdict.rules.rules[check.rule].told.model_dump()
            for check in verdict.ruling.checks
        ],
        "votes": facts.votes,
        "votes_set_aside": [vote.id for vote in verdict.set_aside],
        "raters": facts.raters,
        "briefs": facts.briefs,
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


@dataclass(frozen=True, slots=True)
class Line:
    """One rule as people read it: ``mark`` is ✓ met, ✗ missed, – nothing to measure yet."""

    mark: str
    sentence: str
    number: str


def lines(verdict: Verdict, checks: Sequence[Check]) -> list[Line]:
    """Return ``checks`` with their sentences and numbers."""
    return [
        Line(
            "–" if check.value is None else "✓" if check.met else "✗",
            str(verdict.rules.rules[check.rule].told),
            told_value(check.rule, check.value, check.note),
        )
        for check in checks
    ]


def groups(verdict: Verdict) -> list[tuple[str, list[Line]]]:
    """Return all rules by what they are there for: the title, and its lines."""
    titles: dict[Purpose, str] = {
        "judge": say("能不能下结论", "To be decided at all"),
        "worth": say("值得微调，要这几条", "To be worth fine-tuning"),
        "enough": say("提示词或 RAG 就够，要这几条", "For prompt or retrieval to be enough"),
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
    elif rule in ("raters", "briefs", "pair_votes"):
        shown = f"{value:.0f}"
    elif rule == "agree":
        shown = f"{value:.2f}"
    else:
        shown = f"{100 * value:.0f}%"
    return say(f"{shown}（{note}）", f"{shown} ({note})") if note else shown
