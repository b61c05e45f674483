"""A study is made once: what every arm shares, and what is not done again."""

import json
from pathlib import Path

import pytest
from evaluate_study import (
    Engines,
    make_adapter,
    make_scenario,
)

from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.evaluate.arms import parse_arms
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.rules import parse_rules, shipped_rules
from fencun.evaluate.run import run
from fencun.prompt import as_facts, messages
from fencun.retrieval import Retriever, lines_of, of_samples
from fencun.scenario import Scenario

pytestmark = pytest.mark.usefixtures("fake_base")


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


@pytest.fixture
def adapter(tmp_path: Path) -> str:
    return str(make_adapter(tmp_path / "adapter", tmp_path / "base.gguf"))


async def test_all_arms_share_the_temperature_of_the_adapter(
    scenario: Scenario, adapter: str
) -> None:
    manifest = Path(adapter) / "manifest.json"
    declared = json.loads(manifest.read_bytes()) | {"temperature": 0.2}
    manifest.write_text(json.dumps(declared), encoding="utf-8")
    engines = Engines()
    await run(scenario, arms="bare,tuned", adapter=adapter, out="cool", opener=engines)
    assert {decoding.temperature for _, decoding in engines.opened[0][2].calls} == {0.2}
    engines = Engines()
    await run(scenario, arms="bare,prompt", out="asked", temperature=1.1, opener=engines)
    assert {decoding.temperature for _, decoding in engines.opened[0][2].calls} == {1.1}


async def test_rag_sees_training_seeds_only(tmp_path: Path) -> None:
    scenario = make_scenario(tmp_path / "small", test=2, train=5)
    study = await run(scenario, arms="bare,rag", out="rag", opener=Engines())
    test, train = (
        {sample.id for sample in read_samples(scenario.folder / "dataset" / name, scenario)}
        for name in ("test.jsonl", "train.jsonl")
    )
    retrieved = {seed for answer in study.by_arm()["rag"].values() for seed in answer.examples}
    assert retrieved <= train
    assert not retrieved & test


async def test_edit_is_what_is_served_and_tuned_stands_beside_it(
    tmp_path: Path, adapter: str
) -> None:
    scenario = make_scenario(tmp_path / "lines", test=2, train=6)
    arms = {arm.name: arm for arm in parse_arms("prompt,tuned,edit")}
    assert (arms["edit"].role, arms["tuned"].role) == ("tuned", None)
    assert parse_arms("prompt,tuned")[1].role == "tuned"
    study = await run(
        scenario, arms="prompt,tuned,edit", adapter=adapter, out="edit", opener=Engines()
    )
    said = study.by_arm()
    for brief, parsed in study.parsed_briefs().items():
        edit, tuned = said["edit"][brief], said["tuned"][brief]
        served = Retriever(scenario, of_samples(read_samples(lines_of(scenario)[0], scenario)))
        near = served.nearest(parsed, 2)
        assert list(edit.examples) == [example.id for example in near]
        assert edit.user == messages(parsed, "edit", near)[-1]["content"]
        assert edit.user.endswith(as_facts(parsed).lines())
        assert tuned.user == parsed.lines()
        assert (edit.model, edit.adapter) == (tuned.model, tuned.adapter)
    assert set(study.registration.hashes["edit"]) >= {"lines", "adapter"}


async def test_votes_are_planned_with_the_luck_that_was_measured(scenario: Scenario) -> None:
    """As the report of the study before says it: texts that are all luck are worth two briefs."""
    declared = shipped_rules().model_dump(mode="json")
    declared["plan"]["votes"] = {"2": {"12": 300, "48": 100}}
    rules, planned = parse_rules(declared), {}
    for luck in (None, 0.0, 0.9):
        study = await run(
            scenario, arms="bare,prompt", draws=2, rules=rules, luck=luck, out=f"{luck}",
            opener=Engines(),
        )  # fmt: skip
        plan = study.registration.plan
        assert plan is not None
        planned[luck] = plan["votes"]
        told = rules if luck is None else rules.with_luck(luck)
        assert study.rules.plan.luck == (0.5 if luck is None else luck)
        assert plan["votes"] == votes_planned(2, len(study.briefs()), told, 2)
    assert planned[0.9] < planned[None] < planned[0.0]


async def test_a_finished_study_is_not_answered_again(scenario: Scenario) -> None:
    first = await run(scenario, arms="bare,prompt", out="once", opener=Engines())
    before = (first.folder / "answers.jsonl").read_bytes()
    engines = Engines()
    again = await run(scenario, arms="bare,prompt", out="once", opener=engines)
    assert engines.opened == []
    assert (again.folder / "answers.jsonl").read_bytes() == before


async def test_two_studies_with_one_name_are_refused(scenario: Scenario) -> None:
    await run(scenario, arms="bare,prompt", out="same", opener=Engines())
    with pytest.raises(FencunError, match=r"same.*arms"):
        await run(scenario, arms="bare,rag", out="same", opener=Engines())
    with pytest.raises(FencunError, match="seed"):
        await run(scenario, arms="bare,prompt", out="same", seed=2, opener=Engines())
