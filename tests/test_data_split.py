"""Families stay together, and every part sees every relation."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from fencun.data.dataset import Dataset, assemble
from fencun.data.lines import read_lines
from fencun.data.split import split
from fencun.scenario import Scenario


def own(scenario: Scenario) -> list[Path]:
    return [scenario.folder / "seeds.jsonl", scenario.folder / "drafts.jsonl"]


@pytest.fixture(scope="module")
def dataset(scenario: Scenario) -> Dataset:
    return assemble(scenario, own(scenario))


def test_no_family_stands_on_two_sides(dataset: Dataset) -> None:
    sides = defaultdict(set)
    for part, samples in dataset.samples.items():
        for sample in samples:
            sides[sample.family].add(part)
    assert len(sides) == 648
    assert all(len(parts) == 1 for parts in sides.values())


def test_every_relation_and_topic_is_examined(scenario: Scenario, dataset: Dataset) -> None:
    for part in ("test", "validation"):
        relations = Counter(sample.brief["relation"] for sample in dataset.samples[part])
        assert len(relations) == 26
        assert min(relations.values()) >= 3
    topics = {sample.tact.topic for sample in dataset.samples["test"] if sample.tact}
    assert topics == {topic.name for topic in scenario.tact}


def test_another_seed_examines_other_families(scenario: Scenario) -> None:
    lines = read_lines(own(scenario)[:1], scenario).lines
    families = {line.id: line.id for line in lines}
    one, same, other = (split(lines, families, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert Counter(one.values()) == Counter(other.values())
    assert one != other
