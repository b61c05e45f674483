"""A run as it lies on the disk: begun once, recorded, gone on with, finished."""

import json
from pathlib import Path
from typing import Any

import pytest

from fencun import files
from fencun.errors import FencunError
from fencun.tune.runs.events import Event, LookEvent, RunOutcome, StepEvent
from fencun.tune.runs.folder import LOG, RunFolder, base_of_run, facts_of

FACTS: dict[str, Any] = {
    "base": {"name": "tiny", "sha256": "a" * 64},
    "data": {"train": "b" * 64, "validation": "c" * 64},
    "resolved": {"base": "/models/tiny", "steps": 2},
}


def test_a_run_that_goes_on_must_be_made_of_the_same(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(FencunError, match="没有开始过"):
        run.facts()
    run.begin(FACTS)
    run.begin({**FACTS, "resolved": {"steps": 9}})
    assert run.facts() == FACTS, "what it was told first stays"
    other = {**FACTS, "base": {"sha256": "d" * 64}, "data": {**FACTS["data"], "train": "e" * 64}}
    with pytest.raises(FencunError, match="底座模型、train 变了"):
        run.begin(other)


def test_events_are_told_and_kept_each_by_its_kind(tmp_path: Path) -> None:
    told: list[Event] = []
    with RunFolder(tmp_path).recording(told.append) as tell:
        tell(StepEvent(1, 2, 3.5, 1e-4, 2.0, 9.0))
        tell(LookEvent(1, 3.25))
    rows = [json.loads(line) for line in (tmp_path / LOG).read_text("utf-8").splitlines()]
    assert [(row["kind"], row["step"], row["loss"]) for row in rows] == [
        ("tick", 1, 3.5), ("look", 1, 3.25)
    ]  # fmt: skip
    assert [type(event) for event in told] == [StepEvent, LookEvent]


def test_the_manifest_says_how_it_began_and_ended(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.begin(FACTS)
    files.write_bytes(run.best / "adapter_model.safetensors", b"weights")
    assert not run.is_finished
    run.refuse_finished()
    manifest = run.finish(RunOutcome(2, 1, 3.0, None), parity=None)
    assert manifest["outcome"] == {"steps": 2, "best_step": 1, "best_loss": 3.0, "stopped": None}
    assert manifest["adapter_sha256"] == files.sha256_file(run.best / "adapter_model.safetensors")
    assert facts_of(tmp_path) == manifest
    assert base_of_run(tmp_path) == "/models/tiny"
    with pytest.raises(FencunError, match="已经完成"):
        run.refuse_finished()


def test_bare_weights_have_no_facts_and_unreadable_ones_are_told(tmp_path: Path) -> None:
    assert facts_of(tmp_path) == {}
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(FencunError, match="读不了"):
        facts_of(tmp_path)
    with pytest.raises(FencunError, match="读不了"):
        RunFolder(tmp_path).facts()
