"""Probes: what is asked, that it goes on where it was, and what the numbers mean."""

import json
from pathlib import Path

import pytest
from evaluate_study import Engines
from probe_case import probed_study, speak

from fencun.errors import FencunError
from fencun.evaluate.probe_summary import rankings, read_summary, summarise
from fencun.evaluate.probing import probe_all
from fencun.evaluate.study import Study
from fencun.evaluate.variants import VARIANTS


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return await probed_study(tmp_path, monkeypatch)


async def test_the_numbers_tell_the_arms_apart(study: Study) -> None:
    answers = await probe_all(study, [], "quick", opener=Engines(speak))
    summary = summarise(study, answers, "quick")
    assert read_summary(study) == json.loads(json.dumps(summary))
    by_arm = {row["arm"]: row for row in summary["arms"]}
    assert by_arm["bare"]["hit"]["count"] == 0
    assert by_arm["bare"]["faults"]["cliche"] == 12
    assert by_arm["tuned"]["hit"]["total"] == 12
    assert by_arm["tuned"]["seeds"]["total"] == 12
    assert set(by_arm["tuned"]["drift"]) == set(VARIANTS)
    assert by_arm["bare"]["alike"] == 1.0  # it says the same whatever the seed
    assert by_arm["tuned"]["alike"] < 1.0
    assert (by_arm["bare"]["canary"]["count"], by_arm["bare"]["canary"]["total"]) == (3, 4)
    assert by_arm["tuned"]["canary"]["count"] == 0
    assert by_arm["prompt"]["canary"]["total"] == 0  # the same model as bare
    assert 0 <= by_arm["tuned"]["bleu"] <= 1


async def test_numbers_that_do_not_fit_their_answers_are_refused(study: Study) -> None:
    assert read_summary(study) is None
    answers = await probe_all(study, [], "quick", opener=Engines(speak))
    summarise(study, answers, "quick")
    path = study.folder / "probes.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("过年好", "过节好"), "utf-8")
    with pytest.raises(FencunError, match="对不上"):
        read_summary(study)


def test_rankings_against_people() -> None:
    arms = [
        {"arm": arm, "bleu": bleu, "rouge": None, "loss": loss, "perplexity": loss}
        for arm, bleu, loss in (("a", 0.1, 1.0), ("b", 0.3, 2.0), ("c", 0.2, 3.0))
    ]
    rows = {row["metric"]: row for row in rankings({"arms": arms}, ["a", "c", "b"])}
    assert rows["bleu"]["order"] == ["b", "c", "a"]
    assert rows["bleu"]["tau"] == -1.0
    assert rows["loss"]["tau"] == pytest.approx(1 / 3)
    assert rows["rouge"]["tau"] is None
    assert all(row["tau"] is None for row in rankings({"arms": arms}, []))
