"""Arms, test briefs, and a study that is registered, answered, resumed and frozen."""

from pathlib import Path

import pytest
from evaluate_study import (
    Engines,
    make_scenario,
)

from fencun.errors import FencunError
from fencun.evaluate.run import run
from fencun.evaluate.study import Study
from fencun.scenario import Scenario

pytestmark = pytest.mark.usefixtures("fake_base")


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


async def test_changed_answers_are_noticed(scenario: Scenario) -> None:
    study = await run(scenario, arms="bare,prompt", out="changed", opener=Engines())
    path = study.folder / "answers.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("过年好", "新年好", 1), "utf-8")
    with pytest.raises(FencunError, match=r"answers\.jsonl.*改过"):
        study.check()


def test_a_broken_registration_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FencunError, match="没有实验"):
        Study(tmp_path)
    (tmp_path / "study.json").write_text("{", encoding="utf-8")
    with pytest.raises(FencunError, match="读不了"):
        Study(tmp_path)
