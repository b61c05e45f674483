"""What comes out of a run says the same as what went in."""

import json
from pathlib import Path

from tune_tiny import tiny_dataset

from fencun.scenario import Scenario
from fencun.tune.base import TunableBase
from fencun.tune.formats.export import export, parity_chats, trained_options
from fencun.tune.lora import LoraAdapter


def test_what_ships_tells_of_no_place_on_the_machine(
    tmp_path: Path, base: TunableBase, adapter: LoraAdapter
) -> None:
    adapter.save(tmp_path / "run", "base")
    given = {"config": str(tmp_path / "mine.yaml"), "preset": "quick"}
    facts = {"given": given, "resolved": {"base": str(base.folder), "rank": 2}}
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(facts))
    manifest = export(tmp_path / "run", tmp_path / "out", "gguf", parity=False)
    assert manifest["given"] == {"config": "mine.yaml", "preset": "quick"}
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()


def test_an_export_is_verified_on_the_briefs_of_the_run(tmp_path: Path, scenario: Scenario) -> None:
    tiny_dataset(tmp_path, scenario)
    told = {
        "train": str(tmp_path / "train.jsonl"),
        "validation": str(tmp_path / "validation.jsonl"),
    }
    run = {"resolved": {"scenario": str(scenario.folder), **told}}
    chats = parity_chats(trained_options(run, ""))
    rows = [json.loads(line) for line in Path(told["validation"]).read_text().splitlines()]
    details = {row["detail"] for row in rows}
    assert len(chats) == 5
    assert all(any(detail in chat[-1]["content"] for detail in details) for chat in chats)
    named = trained_options(run, "elsewhere")
    assert (named.scenario, named.validation) == ("elsewhere", "")
