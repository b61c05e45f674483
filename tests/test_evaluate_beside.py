"""What stands beside a verdict and decides nothing."""

from pathlib import Path

import pytest
from evaluate_study import Engines, make_model, make_scenario
from judge_case import prefers

from fencun.evaluate.beside import beside
from fencun.evaluate.judging import judge_all
from fencun.evaluate.run import run
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge


async def test_without_people_no_judge_brings_a_verdict(study: Study) -> None:
    engine = prefers("汤")
    await judge_all(study, "anything", opener=lambda _m, _a: engine)
    judged = judge(study)
    assert judged.ruling.decision == "evidence"
    assert judged.facts.votes == 0
    (told,) = beside(judged).screenings
    assert (told.judge, told.agrees) == ("judge", None)
    assert [(one.b, one.read, one.people, one.both) for one in told.helped] == [
        ("bare", 1.0, None, None),
        ("prompt", 1.0, None, None),
    ]


async def test_a_judge_of_arms_that_play_no_part_is_told_of_every_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_MODEL", str(make_model(tmp_path / "base.gguf")))
    scenario = make_scenario(tmp_path / "scene")
    study = await run(scenario, arms="bare,prompt", out="two", opener=Engines())
    await judge_all(study, "anything", opener=lambda _m, _a: prefers("汤"))
    (told,) = beside(judge(study)).screenings
    assert [(one.a, one.b, one.people) for one in told.helped] == [("prompt", "bare", None)]
    assert told.pairs == len(study.briefs())
