"""Which data a base learns from: a small one from the scenario's plain lines, if there are any."""

import json
from pathlib import Path

import pytest
from tune_tiny import tiny_base

from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.files import read_jsonl
from fencun.gates import Gates
from fencun.home import scenarios_dir
from fencun.records import Sample
from fencun.scenario import Scenario
from fencun.tune.base import complete, identify
from fencun.tune.config import TuneConfig
from fencun.tune.material import gather
from fencun.tune.objectives.sft import Sft
from fencun.tune.training_files import data_of


def grown(base: Path, hidden: int) -> Path:
    """Let ``base`` say that it is as wide as a large model."""
    path = base / "config.json"
    shape = json.loads(path.read_text(encoding="utf-8")) | {"hidden_size": hidden}
    path.write_text(json.dumps(shape), encoding="utf-8")
    return base


def test_a_small_base_learns_from_the_plain_lines(tmp_path: Path) -> None:
    material = gather(Sft(), TuneConfig(base=str(tiny_base(tmp_path / "base")), plain=0.5))
    lines = read_samples(
        scenarios_dir() / "spring_festival" / "plain" / "train.jsonl", material.scenario
    )
    assert material.config.data == "plain"
    assert len(material.examples.training) + len(material.examples.dropped) >= len(
        lines
    )  # none left for its style


def test_a_large_base_and_named_files_do_not(tmp_path: Path, scenario: Scenario) -> None:
    small = complete(identify(tiny_base(tmp_path / "small")))
    large = complete(identify(grown(tiny_base(tmp_path / "large", layers=4), 8192)))
    assert data_of(TuneConfig(), scenario, small) == "plain"
    assert data_of(TuneConfig(), scenario, large) == "dataset"
    assert data_of(TuneConfig(data="dataset"), scenario, small) == "dataset"
    assert data_of(TuneConfig(train="mine.jsonl"), scenario, small) == "dataset"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = TuneConfig(base=str(tiny_base(tmp_path / "base")), data="nowhere")
    with pytest.raises(FencunError, match="nowhere"):
        gather(Sft(), config)


def test_plain_lines_answer_training_briefs_or_new_ones_and_pass(scenario: Scenario) -> None:
    folder = scenario.folder
    known = {s.id: s for s in read_samples(folder / "dataset" / "train.jsonl", scenario)}
    parts = {
        part: read_samples(folder / "plain" / f"{part}.jsonl", scenario)
        for part in ("train", "validation")
    }
    both = [*parts["train"], *parts["validation"]]
    gates = Gates(scenario)
    for line in both:
        if line.parent:
            parent = known[line.parent]
            assert (line.brief, line.family, line.generation) == (
                parent.brief, parent.family, parent.generation + 1,
            )  # fmt: skip
        else:
            assert line.generation == 0
            assert line.family[0] in "nc", "a family of its own, or of the brief it answers anew"
        found = gates.check(line.text, parse_brief(scenario, line.brief))
        assert not [f for f in found if f.severity == "fault"], line.id
    assert len({line.id for line in both}) == len({line.text for line in both}) == len(both)
    assert not families(parts["train"]) & families(parts["validation"])


# Chosen before the gate on tact knew this way of naming a matter; the adapter that learnt them
# no longer ships.
_NAMED = {"q0215", "q0216"}


def test_the_preferences_are_over_training_briefs_and_prefer_what_passes(
    scenario: Scenario,
) -> None:
    folder = scenario.folder
    known = {s.id: s for s in read_samples(folder / "dataset" / "train.jsonl", scenario)}
    looked_at = families(read_samples(folder / "plain" / "validation.jsonl", scenario))
    gates = Gates(scenario)
    pairs = [row for _, row in read_jsonl(folder / "preferences" / "pairs.jsonl")]
    assert len(pairs) == 255
    for pair in pairs:
        assert isinstance(pair, dict)
        parent = known[pair["brief_of"]]
        assert {name: pair[name] for name in parent.brief} == parent.brief
        assert parent.family not in looked_at
        assert pair["chosen"] != pair["rejected"]
        found = gates.check(pair["chosen"], parse_brief(scenario, parent.brief))
        faults = [f for f in found if f.severity == "fault"]
        assert not faults or pair["id"] in _NAMED, pair["id"]


def families(samples: list[Sample]) -> set[str]:
    return {sample.family for sample in samples}
