"""The study that ships: whole, of the shipped adapter, over the whole map, no made-up votes."""

from collections import Counter

import pytest

from fencun.data.lines import read_samples
from fencun.evaluate.briefs import check_unseen
from fencun.evaluate.probe_summary import read_summary
from fencun.evaluate.report import gathered, rendered
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge
from fencun.files import sha256_file
from fencun.scenario import Scenario


@pytest.fixture(scope="module")
def study(scenario: Scenario) -> Study:
    return Study(scenario.folder / "study")


def test_it_is_frozen_and_says_about_which_adapter(study: Study, scenario: Scenario) -> None:
    study.check()
    assert study.registration.roles == {arm: arm for arm in ("bare", "prompt", "rag", "tuned")}
    answered = study.registration.hashes[study.registration.roles["tuned"]]["adapter"]
    shipped = sha256_file(scenario.folder / "adapter" / "adapter.gguf")
    card = (study.folder / "README.md").read_text(encoding="utf-8")
    assert answered == shipped or (answered[:12] in card and shipped[:12] in card)


def test_every_audience_and_every_topic_is_asked_about(study: Study, scenario: Scenario) -> None:
    samples = study.briefs()
    audience = scenario.role("audience")
    assert audience is not None
    counts = Counter(sample.brief[audience.name] for sample in samples)
    assert counts == {choice.value: 3 for choice in audience.choices}
    for dimension in scenario.dimensions:
        if dimension.choices:
            asked = {sample.brief[dimension.name] for sample in samples}
            assert asked == {choice.value for choice in dimension.choices}
    topics = {sample.tact.topic for sample in samples if sample.tact}
    assert topics == {topic.name for topic in scenario.tact}
    check_unseen(
        samples, read_samples(scenario.folder / "dataset" / "train.jsonl", scenario), scenario
    )


def test_nobody_voted_so_evidence_is_missing(study: Study) -> None:
    judged = judge(study)
    assert judged.facts.votes == 0
    assert judged.ruling.decision == "evidence"
    assert judged.blocks[0].votes == (judged.done.planned, judged.done.planned)


def test_the_probes_are_frozen_with_it(study: Study) -> None:
    summary = read_summary(study)
    assert summary is not None
    assert [arm["arm"] for arm in summary["arms"]] == list(study.arms)
    assert all(arm["seeds"]["total"] for arm in summary["arms"])


def test_the_report_that_ships_is_the_one_that_would_be_written_today(study: Study) -> None:
    """Whatever changed since: rules, gates, words. ``fencun eval report`` writes it again."""
    told = gathered(judge(study))
    for name in ("report.html", "report.md"):
        assert (study.folder / name).read_text(encoding="utf-8") == rendered(told, name), name
