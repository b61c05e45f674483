"""What writing needs is put together, or it is said what is missing."""

import pytest

from fencun.errors import ModelError
from fencun.open_writer import open_writer
from fencun.scenario import Scenario


async def test_a_model_that_was_not_fetched_is_named_with_the_command(scenario: Scenario) -> None:
    with pytest.raises(ModelError, match="fencun model fetch"):
        async with open_writer(scenario):
            pass


async def test_an_endpoint_writes_without_any_model_here(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_ENDPOINT", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "some-model")
    async with open_writer(scenario) as writer:
        assert "some-model" in writer.engine.name
        assert writer.adapter is None
        assert writer.default_arm == "prompt"
