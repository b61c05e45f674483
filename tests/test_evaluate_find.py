"""The study that is meant is found; what cannot be read hides no other."""

import json
from pathlib import Path

import pytest
from evaluate_study import Engines, make_scenario

from fencun.errors import FencunError
from fencun.evaluate.find import asks, find_study, scenario_of, studies, studies_dir, studies_of
from fencun.evaluate.run import run
from fencun.scenario import Scenario, load_scenario

pytestmark = pytest.mark.usefixtures("fake_base")


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


async def test_studies_are_found_newest_first(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="没有叫“nope”"):
        find_study("nope")
    study = await run(scenario, arms="bare,prompt", out="one", opener=Engines())
    assert find_study("one").folder == study.folder
    assert find_study(str(study.folder)).name == "one"
    assert "one" in [found.name for found in studies()]


async def test_a_study_that_cannot_be_read_hides_no_other(scenario: Scenario) -> None:
    study = await run(scenario, arms="bare,prompt", out="whole", opener=Engines())
    (studies_dir() / "broken").mkdir()
    (studies_dir() / "broken" / "study.json").write_text("{", encoding="utf-8")
    assert next(iter(studies_of(scenario))).name == study.name
    assert scenario_of(study.registration.fingerprint) == study.scenario


async def test_a_study_whose_scenario_is_gone_is_of_none(scenario: Scenario) -> None:
    study = await run(scenario, arms="bare,prompt", out="orphan", opener=Engines())
    (scenario.folder / "scenario.yaml").unlink()
    assert not asks(study, load_scenario("spring_festival"))
    assert scenario_of(study.registration.fingerprint) is None
    assert study.name in [found.name for found in studies()]


async def test_two_of_one_name_are_asked_about(scenario: Scenario, tmp_path: Path) -> None:
    await run(scenario, arms="bare,prompt", out="twin", seed=1, opener=Engines())
    other = await run(scenario, arms="bare,prompt", out="other", seed=2, opener=Engines())
    path = other.folder / "study.json"
    declared = json.loads(path.read_bytes()) | {"name": "twin"}
    path.write_text(json.dumps(declared), encoding="utf-8")
    with pytest.raises(FencunError, match=r"两个实验都叫“twin”.*other"):
        find_study("twin")
