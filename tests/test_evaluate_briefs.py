"""Test briefs: of families that training never saw, spread over the map."""

from pathlib import Path

import pytest
from evaluate_study import (
    Engines,
    make_scenario,
)

from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.evaluate.briefs import briefs_for_study, spread
from fencun.evaluate.run import run
from fencun.scenario import Scenario

pytestmark = pytest.mark.usefixtures("fake_base")


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


def test_more_briefs_than_there_are_cannot_be_asked(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="测试集里有 12 条需求，要不出 13 条"):
        briefs_for_study(scenario, scenario.folder / "dataset", 13)


async def test_test_families_must_be_unseen(scenario: Scenario) -> None:
    dataset = scenario.folder / "dataset"
    line = (dataset / "test.jsonl").read_text(encoding="utf-8").splitlines()[0]
    with (dataset / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(FencunError, match="同一家族"):
        await run(scenario, arms="bare,prompt", out="leak", opener=Engines())


def test_a_missing_dataset_says_what_to_do(tmp_path: Path, scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="fencun data build"):
        briefs_for_study(scenario, tmp_path / "nowhere")


def test_briefs_are_spread_over_the_map(tmp_path: Path) -> None:
    scenario = make_scenario(tmp_path / "wide", test=26)
    samples = read_samples(scenario.folder / "dataset" / "test.jsonl", scenario)
    relations = {sample.brief["relation"] for sample in samples}
    picked = spread(scenario, samples, len(relations))
    assert {sample.brief["relation"] for sample in picked} == relations
    topics = {sample.tact.topic for sample in samples if sample.tact}
    assert len({sample.tact.topic for sample in picked if sample.tact}) >= len(topics) // 2
    assert spread(scenario, samples[::-1], 10) == spread(scenario, samples, 10)
