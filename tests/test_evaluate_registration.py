"""What is settled before anybody votes, and what makes two runs the same study."""

from pathlib import Path

import pytest
from evaluate_study import Engines, answered_study, make_scenario

from fencun.evaluate.registration import decoding_of, shared_decoding
from fencun.evaluate.run import run
from fencun.scenario import Scenario

pytestmark = pytest.mark.usefixtures("fake_base")


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


async def test_the_plan_is_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = (await answered_study(tmp_path, monkeypatch)).registration
    plan = registered.plan
    assert plan is not None
    assert (plan["votes"], plan["looks"]) == (140, [140, 210, 280])
    assert plan["rivals"] == ["bare", "prompt"]
    assert registered.roles["tuned"] == "tuned"


async def test_another_plan_is_another_study_and_another_name_is_not(scenario: Scenario) -> None:
    study = await run(scenario, arms="bare,prompt", out="one", opener=Engines())
    registered = study.registration
    assert registered.plan is not None
    renamed = registered.model_copy(update={"name": "two", "created": "later"})
    fewer = registered.model_copy(update={"plan": registered.plan | {"votes": 1}})
    assert renamed.fingerprint == registered.fingerprint
    assert fewer.fingerprint != registered.fingerprint


def test_all_arms_decode_alike_but_for_seed_and_adapter(scenario: Scenario) -> None:
    declared = shared_decoding(scenario, 0.4)
    one, other = decoding_of(declared, 1.0, 3), decoding_of(declared, 0.0, 4)
    assert (one.temperature, one.max_tokens) == (other.temperature, other.max_tokens)
    assert (one.seed, one.adapter_scale, other.seed, other.adapter_scale) == (3, 1.0, 4, 0.0)
    longest = scenario.role("length")
    assert longest is not None
    assert one.max_tokens > max(c.range.max for c in longest.choices if c.range)
