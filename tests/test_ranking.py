"""In which order drafts are shown: what is weighed, and what stands in for what is not known."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from test_verifier import GOOD, WORSE, adapter

from fencun.brief import Brief, parse_brief
from fencun.errors import ScenarioError
from fencun.gates import Gates
from fencun.home import scenarios_dir
from fencun.models.fake import FakeEngine
from fencun.open_writer import ranking_of
from fencun.ranking import FILE, Ranking, log_odds, read_ranking
from fencun.retrieval import open_retriever
from fencun.scenario import Scenario, load_scenario
from fencun.verifier import Verifier
from fencun.writer import Candidate, Writer

WEIGHTS = Ranking(
    adapter="0" * 64, reads=9, bias=1.0, likelihood=2.0, invented=-4.0, verifier=0.5,
    mean={"likelihood": -1.0, "invented": 0.1, "verifier": 0.0},
)  # fmt: skip


def test_what_is_likely_and_made_of_the_brief_is_held_fit() -> None:
    assert WEIGHTS.probability(-0.5, 0.0, 0.5) == pytest.approx(1 / (1 + np.exp(-0.0)))
    assert WEIGHTS.probability(-0.5, 0.2, 0.5) < WEIGHTS.probability(-0.5, 0.0, 0.5)
    assert WEIGHTS.probability(-0.5, 0.2, 0.5) < WEIGHTS.probability(-0.3, 0.2, 0.5)
    assert WEIGHTS.probability(-0.5, 0.2, 0.9) > WEIGHTS.probability(-0.5, 0.2, 0.5)


def test_what_is_not_known_counts_as_the_mean() -> None:
    assert WEIGHTS.probability(None, None, None) == WEIGHTS.probability(-1.0, 0.1, 0.5)
    assert 0 < WEIGHTS.probability(-9e9, 1.0, 0.0) < 1e-6
    assert log_odds(1.0) == pytest.approx(-log_odds(0.0))
    assert log_odds(1.0) < 10


def test_what_is_in_neither_brief_nor_written_lines_is_invented(scenario: Scenario) -> None:
    retriever = open_retriever(scenario)
    assert retriever is not None
    asked = {"salutation": "老魏", "relation": "老朋友", "detail": "教过我开车", "occasion": "除夕"}
    brief = parse_brief(scenario, asked)
    assert retriever.invented("老魏，除夕好，你教过我开车。", brief) == 0
    assert retriever.invented("老魏，除夕好，驴鼎蛙镬磨碾。", brief) > 0.4
    assert retriever.invented("", brief) == 0


async def test_the_better_held_text_is_shown_first(scenario: Scenario, tmp_path: Path) -> None:
    own = adapter(tmp_path)
    writer = Writer(
        FakeEngine((GOOD,), has_adapter=True), Gates(scenario), own,
        retriever=open_retriever(scenario), ranking=WEIGHTS,
    )  # fmt: skip
    asked = {"salutation": "老魏", "relation": "老朋友", "detail": "教过我开车", "occasion": "除夕"}
    brief = parse_brief(scenario, asked)
    assert writer.sampling(brief, "edit").logprobs
    assert not writer.sampling(brief, "prompt").logprobs
    drawn = [Candidate(WORSE, (), 1, -2.0), Candidate(GOOD, (), 2, -0.5)]
    kept = await writer.choose(brief, drawn, 2)
    assert [candidate.text for candidate in kept] == [GOOD, WORSE]
    assert all(candidate.sendable is not None for candidate in kept)


class CountingVerifier(Verifier):
    """Holds every text unfit but one, and remembers what it was given."""

    def __init__(self, fit: str) -> None:
        self.fit = fit
        self.given: list[str] = []

    async def read(self, brief: Brief, texts: Sequence[str]) -> list[float | None]:
        """See :meth:`fencun.verifier.Verifier.read`."""
        self.given += texts
        return [0.9 if text == self.fit else 0.05 for text in texts]


async def test_only_what_may_be_shown_is_read(scenario: Scenario, tmp_path: Path) -> None:
    asked = {"salutation": "老魏", "relation": "老朋友", "detail": "教过我开车", "occasion": "除夕"}
    brief = parse_brief(scenario, asked)
    texts = [
        f"老魏，除夕好，{said}。" for said in ("多谢你教我", "车我开熟了", "路上想起你", "等你来坐")
    ]
    drawn = [Candidate(text, (), seed, -0.5 - seed / 10) for seed, text in enumerate(texts)]
    verifier = CountingVerifier(texts[1])
    writer = Writer(
        FakeEngine((GOOD,), has_adapter=True), Gates(scenario), adapter(tmp_path),
        verifier=verifier, ranking=WEIGHTS,
    )  # fmt: skip
    (kept,) = await writer.choose(brief, drawn, 1)
    assert kept.text == texts[1], "the first fell behind when it was read, so the second was read"
    assert verifier.given == texts[:2]


def test_weights_are_those_of_the_adapter_or_none(scenario: Scenario, tmp_path: Path) -> None:
    copy = tmp_path / "s"
    copy.mkdir()
    (copy / "scenario.yaml").write_bytes((scenario.folder / "scenario.yaml").read_bytes())
    (copy / "prompt.md").write_text("写。", encoding="utf-8")
    own = load_scenario(copy)
    assert read_ranking(own) is None
    (copy / FILE).write_text(WEIGHTS.model_dump_json(), encoding="utf-8")
    assert ranking_of(own, adapter(tmp_path)) == WEIGHTS
    other = adapter(tmp_path).model_copy(update={"sha256": "1" * 64})
    assert ranking_of(own, other) is None
    assert ranking_of(own, None) is None
    (copy / FILE).write_text("{}", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"ranking\.py"):
        read_ranking(own)


def test_the_shipped_weights_are_of_the_shipped_adapter() -> None:
    shipped = load_scenario("spring_festival")
    ranking = read_ranking(shipped)
    manifest = json.loads((shipped.folder / "adapter" / "manifest.json").read_bytes())
    assert ranking is not None
    assert ranking.adapter == manifest["sha256"]
    assert ranking.invented < 0 < ranking.likelihood


def test_the_script_finds_what_decides() -> None:
    path = scenarios_dir().parent / "scripts" / "ranking.py"
    spec = importlib.util.spec_from_file_location("ranking_script", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    drawn = np.random.default_rng(5).normal(size=(400, 3))
    fit = drawn[:, 0] - drawn[:, 1] > 0
    _, weights = script.fitted(drawn, fit)
    assert weights[0] > 1
    assert weights[1] < -1
    assert abs(weights[2]) < 0.5
    assert script.area(fit, drawn[:, 0] - drawn[:, 1]) == 1.0
    assert script.area(np.array([True, False]), np.array([1.0, 1.0])) == 0.5
