"""What stands between a study and a verdict, and what cures it: votes only where votes do."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fencun.evaluate.planning import MOST, look_votes, next_look, votes_needed
from fencun.evaluate.rules import Rules
from fencun.evaluate.sequential import Conclusion
from fencun.language import say

BlockKind = Literal[
    "arms", "briefs", "answers", "votes", "raters", "robust", "send", "small", "looks"
]


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that blocks. ``votes`` is how many more would cure it, from and to (None: none)."""

    kind: BlockKind
    zh: str
    en: str
    votes: tuple[int, int] | None = None

    def __str__(self) -> str:
        return say(self.zh, self.en)


def blocks(done: Conclusion, rules: Rules) -> list[Block]:
    """Return what blocks a verdict, what no vote cures first; nothing where one is given."""
    if done.ruling.decision != "evidence":
        return []
    found = list(_without_cure_by_votes(done, rules))
    # Who would have to make another study is not asked for votes on this one.
    if any(block.kind in ("arms", "briefs", "answers") for block in found):
        return found
    return [*found, *_votes(done, rules)]


def _without_cure_by_votes(done: Conclusion, rules: Rules) -> Iterator[Block]:
    background, ruling = done.facts.background, done.ruling
    if lacking := [role for role in ("prompt", "tuned") if role not in background.roles]:
        arms = "、".join(lacking)
        yield Block(
            "arms",
            f"实验里没有 {arms} 组，重跑一次才行",
            f"no {arms} arm in this study; run it anew",
        )
    at = math.ceil(rules.at("briefs"))
    if background.briefs < at:
        yield Block(
            "briefs",
            f"实验只有 {background.briefs} 条需求，至少要 {at} 条，加票没有用",
            f"the study has {background.briefs} briefs and needs {at}; votes do not help",
        )
    for check in ruling.of("answered", met=False):
        yield Block(
            "answers",
            f"{check.note} 组没答全，重跑一次才行",
            f"arm {check.note} left briefs unanswered",
        )
    if done.look and not ruling.met("robust"):
        yield Block(
            "robust",
            "去掉可疑的评审人，结论就变了：先弄清他们怎么投的",
            "the verdict hangs on odd raters: find out how they voted",
        )


def _votes(done: Conclusion, rules: Rules) -> Iterator[Block]:
    facts, ahead = done.facts, next_look(done.cast, done.planned, rules.plan)
    need = rules.at("raters")
    if done.look is None and ahead is not None:
        short = ahead - done.cast
        yield Block(
            "votes",
            f"还差 {short} 票到登记的 {ahead} 票，到时才看",
            f"{short} more votes to the {ahead} registered; nothing is read before",
            (short, short),
        )
    if facts.raters_effective < need and facts.votes:
        least = math.ceil(need - facts.raters_effective)
        yield Block(
            "raters",
            f"票集中在少数人手里：{facts.raters} 位只相当于 {facts.raters_effective:.1f} 位，"
            f"至少还要 {least} 位新的评审人",
            f"{facts.raters} raters are worth {facts.raters_effective:.1f}: at least {least} new "
            "raters are needed",
        )
    if done.look:
        yield from _undecided(done, rules, ahead)


def _undecided(done: Conclusion, rules: Rules, ahead: int | None) -> Iterator[Block]:
    ruling, facts = done.ruling, done.facts
    if not ruling.met("beats") or not ruling.met("direct"):
        yield from _small(done, rules, ahead)
    tuned = facts.rate(facts.background.roles.get("tuned", ""))
    if tuned and not ruling.met("send"):
        at = rules.at("send")
        if tuned.send.share is None:
            yield Block(
                "send",
                "没有人说过会不会直接发：请评审人每张都答这一问",
                "nobody said whether they would send it: ask raters to answer that on every ballot",
            )
        elif tuned.send.share <= at:
            yield Block(
                "send",
                f"微调的回答会直接发的只有 {tuned.send.share:.0%}：加票不会变，改样本再调一次",
                f"only {tuned.send.share:.0%} of tuned answers would be sent: votes do not change "
                "that; mend the samples and tune again",
            )
        elif ahead is not None:
            yield _range(done, rules, tuned.send.share, tuned.send.error, at, "send")
    if ahead is None:
        last = look_votes(done.planned, rules.plan.looks[-1])
        yield Block(
            "looks",
            f"登记的 {last} 票都看完了，还分不出：这个实验到此为止，改样本或加需求，另做一个",
            f"all {last} registered votes are read and it is still open: this study ends here; "
            "mend samples or take more briefs, and make another",
        )


def _small(done: Conclusion, rules: Rules, ahead: int | None) -> Iterator[Block]:
    facts = done.facts
    rival, tuned = facts.closest_rival(), facts.background.roles.get("tuned")
    contest = facts.contest(tuned, rival) if tuned and rival else None
    if contest is None or ahead is None or not math.isfinite(contest.error):
        return
    bound = rules.at("beats" if contest.share > rules.at("beats") else "adds_little")
    block = _range(done, rules, contest.share, contest.error, bound, "small")
    yield Block(
        block.kind,
        f"微调对 {rival} 是 {contest.share:.0%}，还在两可之间；{block.zh}",
        f"tuned against {rival} stands at {contest.share:.0%}, undecided; {block.en}",
        block.votes,
    )


def _range(
    done: Conclusion, rules: Rules, share: float, error: float, bound: float, kind: BlockKind
) -> Block:
    assert done.look is not None
    look = rules.plan.looks[min(done.look.number + 1, len(rules.plan.looks) - 1)]
    low, high = votes_needed(share, error, done.look.votes, bound, look)
    low, high = max(low, done.cast + 1) - done.cast, max(high, done.cast + 1) - done.cast
    last = look_votes(done.planned, rules.plan.looks[-1])
    beyond = low + done.cast > last
    if beyond:
        return Block(
            kind, "登记的票数里多半分不出", "the registered votes will most likely not tell"
        )
    told = f"{low}" if high >= MOST else f"{low}–{high}"
    more = ("或更多", " or more") if high >= MOST else ("", "")
    ahead = next_look(done.cast, done.planned, rules.plan)
    return Block(
        kind,
        f"估计还要 {told} 票{more[0]}，下次在 {ahead} 票时看",
        f"about {told} more votes{more[1]}; the next look is at {ahead}",
        (low, high),
    )
