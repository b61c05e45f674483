"""The small classifier of sensitive matters: its chances, its reach, its weights."""

import json
from pathlib import Path

import pytest
from gate_case import data_rows

from fencun.errors import ScenarioError
from fencun.scenario import Scenario
from fencun.tact import cue_text, load_model, pieces


def test_the_classifier_finds_what_no_cue_betrays(scenario: Scenario) -> None:
    cues_alone = scenario.model_copy(update={"tact_model": ""})
    for remembered in ("_topics", "_tact_model"):
        cues_alone.__dict__.pop(remembered, None)
    lines = (scenario.folder / "tact" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    tender = [row["detail"] for row in map(json.loads, lines) if row["topic"]]
    missed = [detail for detail in tender if not cues_alone.topics_in(detail)]
    assert missed
    assert [detail for detail in missed if scenario.topics_in(detail)]


def test_chances_add_up_and_cover_every_topic(scenario: Scenario) -> None:
    model = load_model(scenario.folder / scenario.tact_model)
    assert set(model.topics) == {topic.name for topic in scenario.tact}
    for piece in pieces(cue_text("身体垮了以后他老躲着人。一起爬过山")):
        assert sum(model.chances(piece)) == pytest.approx(1)
        assert min(model.chances(piece)) > 0


def test_details_written_after_the_cues_raise_few_false_alarms(scenario: Scenario) -> None:
    innocent = [str(row["detail"]) for row in data_rows("tact_later.jsonl") if not row["topic"]]
    assert sum(bool(scenario.topics_in(detail)) for detail in innocent) <= 0.03 * len(innocent)


def test_weights_that_cannot_be_read_say_how_to_make_them(tmp_path: Path) -> None:
    for name, text in (("none.json", None), ("half.json", '{"topics": ["a"]'), ("odd.json", "[]")):
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(ScenarioError, match=r"scripts/tact\.py"):
            load_model(tmp_path / name)
