"""The questions of a poll: every pair of texts that somebody must judge."""

from pathlib import Path

import pytest
from evaluate_study import answered_study

from fencun.evaluate.beside import beside
from fencun.evaluate.questions import question_set
from fencun.evaluate.records import Opinion, Vote
from fencun.evaluate.study import Study
from fencun.evaluate.table import LEFT, RIGHT
from fencun.evaluate.verdict import judge


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return await answered_study(tmp_path, monkeypatch, test=12, draws=2)


async def test_every_arm_writes_two_texts_a_brief_and_both_are_voted_on(study: Study) -> None:
    answers = study.answers()
    assert len(answers) == 3 * 12 * 2
    for arm in study.arms:
        seeds = [answer.seed for answer in answers if answer.arm == arm]
        assert len(set(seeds)) == 24
    assert all(answer.draw == 0 for arm in study.by_arm().values() for answer in arm.values())
    assert study.registration.plan
    assert study.registration.plan["draws"] == 2
    asked = question_set(str(study.folder), study.registration.fingerprint)
    assert len(asked.questions) == 3 * 12 * 2
    assert set(asked.questions.draw.tolist()) == {0, 1}
    study.freeze_votes(cast(study))
    judged = judge(study)
    assert not judged.set_aside
    assert judged.table.draws == 2
    by_draw = {draw: judged.table.choice[judged.table.draw == draw].tolist() for draw in range(2)}
    assert set(by_draw[0]) == {LEFT}  # of the first texts tuned is preferred, of the second not
    assert set(by_draw[1]) == {RIGHT}
    found = beside(judged)
    assert found.split is not None
    assert found.split.luck is not None
    assert found.split.luck > 0.9
    assert list(found.draws) == [1, 2, 3, 5]


def cast(study: Study) -> list[Vote]:
    """Made-up votes on a made-up study, of six people on every text of tuned and prompt."""
    known = {(a.arm, a.brief, a.draw): a.hash for a in study.answers()}
    briefs = [sample.id for sample in study.briefs()]
    return [
        Vote(
            id=f"v{rater}-{brief}-{draw}",
            rater=f"r{rater}",
            name=f"小王 {rater}",
            brief=brief,
            left="tuned",
            right="prompt",
            left_hash=known["tuned", brief, draw],
            right_hash=known["prompt", brief, draw],
            choice="right" if draw else "left",
            left_opinion=Opinion(send=True),
            right_opinion=Opinion(send=True),
            at=f"2026-12-0{rater + 1}T10:00:00+00:00",
        )
        for rater in range(6)
        for brief in briefs
        for draw in range(2)
    ]
