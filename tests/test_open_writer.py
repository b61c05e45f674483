"""What writing needs is put together, or it is said what is missing."""

from pathlib import Path

import pytest
from tiny_adapter import write_manifest, write_small

from fencun.brief import parse_brief
from fencun.errors import ModelError
from fencun.models.borrow import Borrower
from fencun.models.embedded import EmbeddedEngine
from fencun.open_writer import open_writer, writer_beside
from fencun.scenario import Scenario, load_scenario


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


async def test_while_one_lends_its_model_another_borrows_it_and_says_so(
    scenario: Scenario, tmp_path: Path
) -> None:
    model = tmp_path / "base.gguf"
    model.write_bytes(b"GGUF...")
    told: list[str] = []

    def tell(zh: str, en: str) -> None:
        told.append(en)

    async with open_writer(scenario, model=str(model), borrow=tell) as alone:
        assert isinstance(alone.engine, Borrower)
        assert told == []
    async with open_writer(scenario, model=str(model), lend=True) as lending:
        assert isinstance(lending.engine, EmbeddedEngine)
        async with open_writer(scenario, model=str(model), borrow=tell) as borrowing:
            assert borrowing.engine.name == lending.engine.name == "base"
            assert told == ["Using the model that fencun serve has loaded."]
        async with open_writer(scenario, model=str(model)) as own:
            assert isinstance(own.engine, EmbeddedEngine)


def with_adapter(folder: Path) -> Scenario:
    """Return a scenario of one's own that ships an adapter for the base called ``base``."""
    (folder / "adapter").mkdir(parents=True)
    write_small(folder / "adapter" / "adapter.gguf")
    write_manifest(folder / "adapter", base="base")
    declared = "name: {}\ntitle: 便条\ndimensions:\n  - {{name: what, label: 说什么}}\n"
    yaml = declared.format(folder.name)
    (folder / "scenario.yaml").write_text(yaml, encoding="utf-8")
    return load_scenario(folder)


async def test_the_adapters_of_scenarios_beside_are_loaded_and_each_speaks_for_its_own(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "base.gguf"
    model.write_bytes(b"GGUF...")
    monkeypatch.setattr("fencun.open_writer.in_use", lambda name: "base")
    one, two = with_adapter(tmp_path / "one"), with_adapter(tmp_path / "two")
    broken = with_adapter(tmp_path / "broken")
    (broken.folder / "adapter" / "manifest.json").write_text("{", encoding="utf-8")
    async with open_writer(one, model=str(model), beside=[scenario, broken, two]) as writer:
        assert [adapter.folder.parent.name for adapter in writer.loaded] == ["one", "two"]
        assert isinstance(writer.engine, EmbeddedEngine)
        other = writer_beside(writer, two)
        asked = {"what": "在"}
        places = {
            each.decoding(parse_brief(of, asked), "tuned").adapter
            for each, of in ((writer, one), (other, two))
        }
        assert places == {0, 1}
        for none in (scenario, broken):
            assert writer_beside(writer, none).default_arm == "prompt"
            assert writer_beside(writer, none).engine is writer.engine
