"""What stands between a study and a verdict, and what cures it: votes only where votes do."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fencun.evaluate.planning import (
    as_good_as,
    briefs_needed,
    look_votes,
    next_look,
    votes_needed,
)
from fencun.evaluate.rules import RuleName, VerdictRules
from fencun.evaluate.sequential import Conclusion
from fencun.language import say

BlockKind = Literal[
    "arms", "briefs", "answers", "votes", "raters", "robust", "send", "small", "looks"
]


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that blocks, and what cures it.

    ``votes`` is how many more would cure it, from and to (None: none).
    """

    kind: BlockKind
    zh: str
    en: str
    cure_zh: str = ""
    cure_en: str = ""
    votes: tuple[int, int] | None = None

    @property
    def by_people(self) -> bool:
        """Whether more people's votes cure it."""
        return self.votes is not None or self.kind == "raters"

    @property
    def what(self) -> str:
        """What blocks, without its cure: short enough for a heading."""
        return say(self.zh, self.en)

    def __str__(self) -> str:
        cure = say(self.cure_zh, self.cure_en)
        return self.what + say(f"；{cure}", f"; {cure}") if cure else self.what


def blocks(done: Conclusion, rules: VerdictRules) -> list[Block]:
    """Return what blocks a verdict, what no vote cures first; nothing where one is given."""
    if done.ruling.decision != "evidence":
        return []
    found = list(_without_cure_by_votes(done, rules))
    # Who would have to make another study is not asked for votes on this one.
    if any(block.kind in ("arms", "briefs", "answers") for block in found):
        return found
    return [*found, *_votes(done, rules)]


def few_briefs(arms: int, briefs: int, draws: int, rules: VerdictRules) -> Block | None:
    """Return what blocks a study before anybody votes: briefs too few for any number of votes."""
    if briefs < math.ceil(rules.at("briefs")):
        return _too_few(briefs, rules)
    least = briefs_needed(arms, rules)
    if as_good_as(briefs, draws, rules.plan.luck) >= least:
        return None
    return Block(
        "briefs",
        f"{arms} 组只比 {briefs} 条需求，少于 {least} 条，投满也未必看得出",
        f"{arms} arms and {briefs} briefs, less than {least}: all planned votes may not tell",
        "多用几条需求，或者少比几组",
        "take more briefs, or fewer arms",
    )


def _too_few(briefs: int, rules: VerdictRules) -> Block:
    at = math.ceil(rules.at("briefs"))
    return Block(
        "briefs",
        f"实验只有 {briefs} 条需求，至少要 {at} 条",
        f"the study has {briefs} briefs and needs {at}",
        "加票没有用",
        "votes do not help",
    )


def _without_cure_by_votes(done: Conclusion, rules: VerdictRules) -> Iterator[Block]:
    background, ruling = done.facts.background, done.ruling
    if lacking := [role for role in ("prompt", "tuned") if role not in background.roles]:
        arms = "、".join(lacking)
        yield Block(
            "arms",
            f"实验里没有 {arms} 组",
            f"no {arms} arm in this study",
            "重跑一次才行",
            "run it anew",
        )
    if background.briefs < math.ceil(rules.at("briefs")):
        yield _too_few(background.briefs, rules)
    for check in ruling.of("answered", met=False):
        yield Block(
            "answers",
            f"{check.note} 组没答全",
            f"arm {check.note} left briefs unanswered",
            "重跑一次才行",
            "run it anew",
        )
    if done.look and not ruling.met("robust"):
        yield Block(
            "robust",
            "去掉可疑的评审人，结论就变了",
            "the verdict hangs on odd raters",
            "先弄清他们怎么投的",
            "find out how they voted",
        )


def _votes(done: Conclusion, rules: VerdictRules) -> Iterator[Block]:
    facts, ahead = done.facts, next_look(done.cast, done.planned, rules.plan)
    if done.look is None and ahead is not None:
        short = ahead - done.cast
        yield Block(
            "votes",
            f"还差 {short} 票到登记的 {ahead} 票",
            f"{short} more votes to the {ahead} registered",
            "到时才看",
            "nothing is read before",
            (short, short),
        )
    if facts.votes and not done.ruling.met("raters"):
        least = max(1, math.ceil(rules.at("raters") - facts.raters_effective))
        yield Block(
            "raters",
            f"票集中在少数人手里：{facts.raters} 位只相当于 {facts.raters_effective:.1f} 位",
            f"{facts.raters} raters are worth {facts.raters_effective:.1f}",
            f"至少还要 {least} 位新的评审人",
            f"at least {least} new raters are needed",
        )
    if done.look and not done.ruling.met("briefs"):
        yield _uneven(done, rules)
    if done.look:
        yield from _undecided(done, rules, ahead)


def _uneven(done: Conclusion, rules: VerdictRules) -> Block:
    """Briefs that are enough by number, but the votes stand on some of them."""
    facts, at = done.facts, math.ceil(rules.at("briefs"))
    return Block(
        "briefs",
        f"票集中在少数需求上：{facts.briefs} 条只相当于 {facts.briefs_effective:.1f} 条，"
        f"要 {at} 条",
        f"the votes stand on few briefs: {facts.briefs} are worth {facts.briefs_effective:.1f} of "
        f"{at}",
        "选票先发票少的需求，接着投就会匀；需求本来就只有这些，换一个需求更多的实验",
        "ballots go to the least voted briefs first, so that it evens out; if the study has no "
        "more, make one with more briefs",
    )


def _undecided(done: Conclusion, rules: VerdictRules, ahead: int | None) -> Iterator[Block]:
    ruling, tuned = done.ruling, done.facts.background.roles.get("tuned", "")
    if ruling.met("adds_little"):  # the difference is settled: would the cheaper arm be sent?
        if not ruling.met("enough_send"):
            yield from _sendable(done, rules, ruling.arm, "enough_send", ahead)
    else:
        if not ruling.met("beats") or not ruling.met("direct"):
            yield from _small(done, rules, ahead)
        if not ruling.met("send"):
            yield from _sendable(done, rules, tuned, "send", ahead)
    if ahead is None:
        last = look_votes(done.planned, rules.plan.looks[-1])
        yield Block(
            "looks",
            f"登记的 {last} 票都看完了，还分不出",
            f"all {last} registered votes are read and it is still open",
            "这个实验到此为止，改样本或加需求，另做一个",
            "this study ends here; mend samples or take more briefs, and make another",
        )


def _sendable(
    done: Conclusion, rules: VerdictRules, arm: str, rule: RuleName, ahead: int | None
) -> Iterator[Block]:
    """Whether ``arm`` would be sent as it is, where that is what is missing."""
    rate, at = done.facts.rate(arm), rules.at(rule)
    if rate is None:
        return
    share = rate.send.share
    if share is None:
        yield Block(
            "send",
            "没有人说过会不会直接发",
            "nobody said whether they would send it",
            "请评审人每张都答这一问",
            "ask raters to answer that on every ballot",
        )
    elif rate.send.high < at:
        yield Block(
            "send",
            f"{arm} 的回答会直接发的只有 {share:.0%}",
            f"only {share:.0%} of the answers of {arm} would be sent",
            "加票不会变，先改好它再做一个实验",
            "votes do not change that; mend it first, then make another study",
        )
    elif ahead is not None:
        yield Block(
            "send",
            f"{arm} 的回答会直接发的是 {share:.0%}，还在两可之间",
            f"{share:.0%} of the answers of {arm} would be sent, undecided",
            *_cure(done, rules, share, rate.send.error, at),
        )


def _small(done: Conclusion, rules: VerdictRules, ahead: int | None) -> Iterator[Block]:
    facts = done.facts
    rival, tuned = facts.closest_rival(), facts.background.roles.get("tuned")
    contest = facts.contest(tuned, rival) if tuned and rival else None
    if contest is None or ahead is None or not math.isfinite(contest.error):
        return
    bound = rules.at("beats" if contest.share > rules.at("beats") else "adds_little")
    yield Block(
        "small",
        f"微调对 {rival} 是 {contest.share:.0%}，还在两可之间",
        f"tuned against {rival} stands at {contest.share:.0%}, undecided",
        *_cure(done, rules, contest.share, contest.error, bound),
    )


def _cure(
    done: Conclusion, rules: VerdictRules, share: float, error: float, bound: float
) -> tuple[str, str, tuple[int, int] | None]:
    """Return whether the votes that are still registered will tell, and at which look."""
    assert done.look is not None
    looks = [look_votes(done.planned, look) for look in rules.plan.looks]
    ahead = [votes for votes in looks if votes > done.cast]
    next_one = rules.plan.looks[looks.index(ahead[0])]
    low, high = votes_needed(share, error, done.look.votes, bound, next_one)
    enough = [votes for votes in ahead if votes >= low]
    if not enough:
        return "登记的票数里多半分不出", "the registered votes will most likely not tell", None
    first, sure = enough[0], next((votes for votes in enough if votes >= high), None)
    least, most = first - done.cast, (sure or ahead[-1]) - done.cast
    if sure == first:
        zh = f"再投 {least} 票，到 {sure} 票时看，多半就分得出"
        en = f"{least} more votes, read at {sure}, will most likely tell"
    elif first == ahead[-1]:
        zh = f"再投 {least} 票，到登记的最后一次 {first} 票时看，也可能分不出"
        en = f"{least} more votes, read at {first}, the last look; it may not tell either"
    elif sure:
        zh = f"估计还要 {least}–{most} 票，在 {first} 和 {sure} 票时看"
        en = f"about {least}–{most} more votes, read at {first} and {sure}"
    else:
        zh = f"再投 {least} 票，到 {first} 票时看；投满登记的 {ahead[-1]} 票也可能分不出"
        en = (
            f"{least} more votes, read at {first}; all {ahead[-1]} registered votes may not "
            "tell either"
        )
    return zh, en, (least, most)
