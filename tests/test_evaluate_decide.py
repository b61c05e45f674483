"""The verdict's rules, each decision reached from votes, and the studies that must not fool it."""

import dataclasses

import numpy as np
import pytest

from fencun.errors import FencunError
from fencun.evaluate.blocks import blocks
from fencun.evaluate.decide import PURPOSES, decide
from fencun.evaluate.facts import Background, Facts
from fencun.evaluate.planning import MOST, look_votes, reached, votes_needed, votes_planned
from fencun.evaluate.rules import load_rules, parse_rules, shipped_rules
from fencun.evaluate.sequential import Conclusion, conclude
from fencun.evaluate.simulate import ARMS, World, looked, simulate
from fencun.evaluate.table import UNSAID, VoteTable, tabulate

ROLES = {arm: arm for arm in ARMS}
RULES = shipped_rules()
PLANNED = votes_planned(4, 78, RULES)
WORTH = World(truth=(-1.0, 0.0, 0.2, 1.8), raters=34)


def concluded(world: World, seed: int = 1, **background: object) -> Conclusion:
    table = simulate(world, np.random.default_rng(seed))
    return of(table, **background)


def of(table: VoteTable, planned: int = PLANNED, **background: object) -> Conclusion:
    known = Background(**({"roles": ROLES} | background))  # type: ignore[arg-type]
    return conclude(table, known, RULES, planned)


def kinds(done: Conclusion) -> list[str]:
    return [block.kind for block in blocks(done, RULES)]


@pytest.fixture(scope="module")
def strong() -> VoteTable:
    return simulate(WORTH, np.random.default_rng(1))


def test_a_strong_effect_is_worth_it_and_tells_what_it_rests_on(strong: VoteTable) -> None:
    done = of(strong)
    assert done.ruling.decision == "worth"
    assert [c.rule for c in done.ruling.reasons] == ["beats", "direct", "send"]
    assert all(check.met for check in done.ruling.reasons)
    assert done.facts.votes == PLANNED
    assert done.cast == 34 * 24
    assert kinds(done) == []


def test_every_rule_stands_in_one_group() -> None:
    grouped = [rule for rules in PURPOSES.values() for rule in rules]
    assert sorted(grouped) == sorted(RULES.rules)


def test_no_votes_is_evidence_missing_with_the_planned_number() -> None:
    done = of(tabulate([], ARMS))
    assert done.ruling.decision == "evidence"
    (block,) = blocks(done, RULES)
    assert (block.kind, block.votes) == ("votes", (PLANNED, PLANNED))


def test_before_the_first_look_nothing_is_told_of_the_arms(strong: VoteTable) -> None:
    done = of(strong.first(PLANNED - 1))
    assert done.look is None
    assert done.ruling.decision == "evidence"
    assert done.facts.raters > 20
    assert not done.facts.comparisons
    assert not done.facts.arms
    assert done.facts.strengths is None
    assert kinds(done) == ["votes"]


def test_votes_after_a_look_wait_for_the_next(strong: VoteTable) -> None:
    at_look, later = of(strong.first(PLANNED)), of(strong)
    assert later.cast > at_look.cast
    assert later.facts.comparisons == at_look.facts.comparisons


def test_looking_more_often_shows_nothing_else() -> None:
    world = dataclasses.replace(WORTH, raters=10)
    often = looked(world, RULES, 5, every=60, planned=110, all_of_them=True)
    assert often == looked(world, RULES, 5, every=60, planned=110)


def test_never_worth_it_from_few_raters_however_strong() -> None:
    done = concluded(World(truth=(-2, 0, 0, 4), raters=4, ballots=250))
    assert done.look is not None
    assert done.ruling.decision == "evidence"
    (block,) = [one for one in blocks(done, RULES) if one.kind == "raters"]
    assert block.votes is None
    assert "新的评审人" in block.zh


def test_too_few_briefs_are_not_cured_by_votes(strong: VoteTable) -> None:
    few = strong.where(strong.brief < 20)
    done = of(few, planned=100, briefs=20)
    found = blocks(done, RULES)
    assert found[0].kind == "briefs"
    assert found[0].votes is None


def test_send_never_said_is_missing_and_votes_are_not_asked_for(strong: VoteTable) -> None:
    done = of(dataclasses.replace(strong, send=np.full_like(strong.send, UNSAID)))
    assert done.ruling.decision == "evidence"
    (block,) = blocks(done, RULES)
    assert (block.kind, block.votes) == ("send", None)


def test_answers_that_nobody_would_send_are_not_cured_by_votes(strong: VoteTable) -> None:
    done = of(dataclasses.replace(strong, send=np.zeros_like(strong.send)))
    assert done.ruling.decision == "evidence"
    (block,) = blocks(done, RULES)
    assert (block.kind, block.votes) == ("send", None)
    assert "加票不会变" in block.zh


def test_an_arm_that_failed_a_third_is_not_judged(strong: VoteTable) -> None:
    done = of(strong, answered=dict.fromkeys(ARMS, 1.0) | {"rag": 0.66})
    assert done.ruling.decision == "evidence"
    assert kinds(done) == ["answers"]


def test_a_declared_look_up_task_is_unfit_whatever_the_votes(strong: VoteTable) -> None:
    done = of(strong, unfit="要查资料")
    assert done.ruling.decision == "unfit"
    assert [(check.rule, check.note) for check in done.ruling.reasons] == [("task", "要查资料")]


def test_made_up_facts_that_nobody_would_send_are_unfit() -> None:
    reasons = {arm: {"invented": 30, "cliche": 4} for arm in ARMS}
    done = concluded(World(raters=34, bar=1.5), reasons=reasons)
    assert done.ruling.decision == "unfit"


@pytest.mark.parametrize(
    ("world", "decision"),
    [
        (World(truth=(-1.5, 1, 1, 1), quality=0.4), "prompt"),
        (World(truth=(1, 1, 1, 1), quality=0.4), "bare"),
        (World(truth=(-1, 0, 1.9, 0.4), quality=0.4, sends=0.5), "rag"),
        (World(truth=(0, -1.5, -1.4, -0.6)), "mend"),
        (World(truth=(-2, -2, -2, -2), quality=0.4, bar=-9), "none"),
        (World(taste=4.0, quality=0.1), "direction"),
    ],
)
def test_each_other_decision_is_reached(world: World, decision: str) -> None:
    done = concluded(dataclasses.replace(world, raters=68, taste=4.0 if world.taste == 4 else 0.1))
    assert done.ruling.decision == decision


def test_a_verdict_that_hangs_on_odd_raters_is_not_given(strong: VoteTable) -> None:
    facts = of(strong).facts
    assert decide(facts, RULES, robust=True).decision == "worth"
    assert decide(facts, RULES, robust=False).decision == "evidence"


def test_a_study_without_tuned_arm_cannot_say_worth(strong: VoteTable) -> None:
    done = of(strong, roles={arm: arm for arm in ("bare", "prompt", "rag")})
    assert done.ruling.decision == "evidence"
    assert kinds(done)[0] == "arms"


def test_an_old_lead_in_empty_facts_is_no_lead() -> None:
    facts = Facts(Background(ROLES), 0.95)
    assert facts.contest("tuned", "prompt") is None
    assert decide(facts, RULES).decision == "evidence"


def test_looks_share_five_percent_of_doubt_on_one_side() -> None:
    looks = RULES.plan.looks
    assert sum(look.alpha for look in looks) <= 0.05
    assert reached(PLANNED - 1, PLANNED, RULES.plan) is None
    for number, look in enumerate(looks):
        votes = look_votes(PLANNED, look)
        found = reached(votes + 1, PLANNED, RULES.plan)
        assert found is not None
        assert (found.number, found.votes) == (number, votes)


def test_planned_votes_grow_as_briefs_get_fewer_and_arms_more() -> None:
    planned = [votes_planned(arms, 78, RULES) for arms in (2, 3, 4, 5)]
    assert planned == sorted(planned)
    assert votes_planned(3, 30, RULES) > votes_planned(3, 50, RULES) > votes_planned(3, 78, RULES)
    assert votes_planned(4, 500, RULES) == votes_planned(4, 78, RULES)


def test_votes_needed_are_a_range_that_shrinks_with_the_doubt() -> None:
    look = RULES.plan.looks[0]
    wide = votes_needed(0.65, 0.3, 400, 0.55, look)
    narrow = votes_needed(0.65, 0.15, 400, 0.55, look)
    assert wide[0] < wide[1]
    assert narrow[1] < wide[1]
    assert votes_needed(0.56, 0.3, 400, 0.55, look)[1] == MOST


def test_rules_are_data_and_changing_one_changes_the_hash() -> None:
    declared = RULES.model_dump()
    assert parse_rules(declared).hash == RULES.hash
    declared["rules"]["beats"]["at"] = 0.51
    assert parse_rules(declared).hash != RULES.hash
    del declared["rules"]["beats"]
    with pytest.raises(FencunError, match="beats"):
        parse_rules(declared)


def test_rules_that_cannot_be_read_say_where(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(FencunError, match=r"none\.yaml"):
        load_rules(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: [", encoding="utf-8")
    with pytest.raises(FencunError, match=r"bad\.yaml"):
        load_rules(bad)


def test_every_rule_reads_as_a_sentence() -> None:
    for rule in RULES.rules.values():
        assert "{" not in rule.told.zh + rule.told.en
