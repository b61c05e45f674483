"""What to do about a verdict: where tuned loses, what to write, and what comes next."""

from pathlib import Path

import pytest
from evaluate_study import answered_study
from report_case import voted

from fencun.evaluate.mending import WORST, deciding, next_steps, to_write, worst
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return await answered_study(tmp_path, monkeypatch)


def test_where_tuned_loses_is_named_and_what_to_write(study: Study) -> None:
    voted(study, 6, left="prompt", right="tuned")
    judged = judge(study)
    assert judged.open
    lost = worst(judged)
    assert len(lost) == WORST
    assert {one.to for one in lost} == {"prompt"}
    assert all(one.lost == one.votes > 4 for one in lost)
    cells = to_write(judged, study.briefs())
    assert all(" · " in cell and count > 0 for cell, count in cells)
    assert len(deciding(judged)) <= 3
    assert next_steps(judged)


def test_where_tuned_wins_nothing_is_to_be_mended(study: Study) -> None:
    voted(study, 6)
    assert worst(judge(study)) == []


def test_before_the_first_look_nothing_is_named(study: Study) -> None:
    voted(study, 3, left="prompt", right="tuned")
    judged = judge(study)
    assert not judged.open
    assert worst(judged) == []
    assert any("fencun eval ballot open" in step for step in next_steps(judged))
