"""Probes: what is asked, that it goes on where it was, and what the numbers mean."""

import asyncio
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from evaluate_study import Engines, make_adapter, make_model, make_scenario
from typer.testing import CliRunner

from fencun.brief import parse_brief
from fencun.cli import app_for
from fencun.errors import EngineError, FencunError
from fencun.evaluate import metrics, probing
from fencun.evaluate.probes import rankings, read_summary, summarise
from fencun.evaluate.probing import plan, probe_all, probe_answers
from fencun.evaluate.records import Answer
from fencun.evaluate.run import run
from fencun.evaluate.study import Study
from fencun.evaluate.variants import VARIANTS, vary
from fencun.files import read_jsonl
from fencun.models.engine import Decoding, Message
from fencun.models.fake import Answer as Said
from fencun.scenario import Scenario

EVERYDAY = {everyday.ask: everyday for everyday in probing.declared().canary}


def speak(messages: Sequence[Message], decoding: Decoding) -> Said:
    """The tuned voice is short and plain, the base says nothing that passes."""
    asked = messages[-1]["content"]
    if asked in EVERYDAY:
        return "北京" if decoding.adapter_scale else "东京 56 I like reading"
    if not decoding.adapter_scale:
        return "值此新春之际，祝您万事如意、阖家欢乐、心想事成！"
    who = asked.split("称呼：", 1)[-1].split("\n", 1)[0]
    return f"{who}，过年好，第{decoding.seed % 100}锅汤刚炖上，热气扑了一窗户，先给你盛。"


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    base = make_model(tmp_path / "base.gguf")
    monkeypatch.setenv("FENCUN_MODEL", str(base))
    adapter = make_adapter(tmp_path / "adapter", base)
    scenario = make_scenario(tmp_path / "scene", test=12)
    return await run(
        scenario, arms="bare,prompt,tuned", adapter=str(adapter), out="s", opener=Engines(speak)
    )


async def test_all_arms_are_asked_once_and_it_goes_on_where_it_was(study: Study) -> None:
    asks = plan(study, "quick")
    # 3 arms x (6 draws + 2 briefs in 5 ways) + 2 voices x 4 everyday questions
    assert len(asks) == len(set(asks)) == 3 * (6 + 2 * 5) + 2 * 4
    assert len(plan(study, "usual")) > len(asks)
    assert set(asks) <= set(plan(study, "usual"))
    told: list[int] = []

    class CutOffError(Exception):
        pass

    def stop(_: Answer, done: int, total: int) -> None:
        told.append(done)
        if done == 20:
            raise CutOffError

    with pytest.raises(BaseExceptionGroup):
        await probe_all(study, [], "quick", progress=stop, opener=Engines(speak))
    kept = len(probe_answers(study))
    assert kept >= 20
    engines = Engines(speak)
    answers = await probe_all(study, [], "quick", opener=engines)
    assert sum(len(engine.calls) for *_, engine in engines.opened) == len(asks) - kept
    assert [answer.key for answer in answers] == [ask.key for ask in asks]
    frozen = (study.folder / "probes.jsonl").read_bytes()
    assert not (study.folder / "probes.jsonl.partial").exists()
    await probe_all(study, [], "quick", opener=Engines([]))  # nothing left to ask
    assert (study.folder / "probes.jsonl").read_bytes() == frozen


async def test_the_numbers_tell_the_arms_apart(study: Study) -> None:
    answers = await probe_all(study, [], "quick", opener=Engines(speak))
    summary = summarise(study, answers, "quick")
    assert read_summary(study) == json.loads(json.dumps(summary))
    by_arm = {row["arm"]: row for row in summary["arms"]}
    assert by_arm["bare"]["hit"]["count"] == 0
    assert by_arm["bare"]["faults"]["cliche"] == 12
    assert by_arm["tuned"]["hit"]["total"] == 12
    assert by_arm["tuned"]["seeds"]["total"] == 6
    assert set(by_arm["tuned"]["drift"]) == set(VARIANTS)
    assert by_arm["bare"]["alike"] == 1.0  # it says the same whatever the seed
    assert by_arm["tuned"]["alike"] < 1.0
    assert (by_arm["bare"]["canary"]["count"], by_arm["bare"]["canary"]["total"]) == (3, 4)
    assert by_arm["tuned"]["canary"]["count"] == 0
    assert by_arm["prompt"]["canary"]["total"] == 0  # the same model as bare
    assert 0 <= by_arm["tuned"]["bleu"] <= 1


async def test_what_failed_counts_as_missed_and_is_asked_again(study: Study) -> None:
    def dead(messages: Sequence[Message], decoding: Decoding) -> Said:
        return EngineError("断了", "broken")

    answers = await probe_all(study, [], "quick", opener=Engines(dead))
    summary = summarise(study, answers, "quick")
    assert summary["arms"][2]["seeds"] == {
        "count": 0, "total": 6, "share": 0.0, "low": 0.0,
        "high": summary["arms"][2]["seeds"]["high"],
    }  # fmt: skip
    again = await probe_all(study, [], "quick", opener=Engines(speak))
    assert not any(answer.failed for answer in again)


async def test_another_model_is_not_probed_in_its_name(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base.gguf").write_bytes(b"GGUF" + bytes(99))
    with pytest.raises(FencunError, match="底座已经不是"):
        await probe_all(study, [], "quick", opener=Engines(speak))


async def test_numbers_that_do_not_fit_their_answers_are_refused(study: Study) -> None:
    assert read_summary(study) is None
    answers = await probe_all(study, [], "quick", opener=Engines(speak))
    summarise(study, answers, "quick")
    path = study.folder / "probes.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("过年好", "过节好"), "utf-8")
    with pytest.raises(FencunError, match="对不上"):
        read_summary(study)


def test_the_command_plans_first(study: Study) -> None:
    def typed(*words: str) -> str:
        arguments = ["eval", "probe", study.name, *words]
        return CliRunner().invoke(app_for(arguments), arguments).output

    told = json.loads(typed("--plan", "--json", "--size", "quick"))
    assert told["asks"] == told["todo"] == 56
    assert "约" in typed("--plan")
    asyncio.run(probe_all(study, [], "quick", opener=Engines(speak)))
    assert json.loads(typed("--plan", "--json", "--size", "quick"))["todo"] == 0
    table = typed("--size", "quick")
    assert "漂移：打错字" in table
    assert (study.folder / "probes.json").is_file()


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_ask_for_the_same_in_another_way(name: str, scenario: Scenario) -> None:
    for number in range(20):
        plain = parse_brief(scenario, scenario.example)
        varied = vary(name, f"b{number}", plain)
        assert varied.lines() == vary(name, f"b{number}", plain).lines()
        assert varied.lines() != plain.lines()
        if name in ("reworded", "reordered", "mistyped"):
            for dimension in ("relation", "occasion", "style", "length"):
                assert varied.values[dimension] == plain.values[dimension]
        if name == "reordered":
            assert sorted(varied.lines().split("\n")) == sorted(plain.lines().split("\n"))


def test_rewording_never_changes_what_is_meant(scenario: Scenario) -> None:
    path = scenario.folder / "dataset" / "test.jsonl"
    rows = [row for _, row in read_jsonl(path) if isinstance(row, dict)]
    names = [dimension.name for dimension in scenario.dimensions]
    for row in random.Random(1).sample(rows, 60):
        plain = parse_brief(scenario, {name: row[name] for name in names})
        assert vary("reworded", row["id"], plain).values == plain.values


def test_bleu_and_rouge_are_the_known_numbers() -> None:
    assert metrics.bleu(["abcdef"], ["abcdef"]) == pytest.approx(1.0)
    assert metrics.bleu(["ab"], ["cd"]) == 0.0
    assert metrics.bleu(["abcxef"], ["abcdef"], order=2) == pytest.approx(
        ((5 / 6) * (3 / 5)) ** 0.5
    )
    assert metrics.bleu(["abcd"], ["abcdabcd"]) == pytest.approx(2.718281828 ** (1 - 2))
    assert metrics.rouge_l("abcde", "ace") == pytest.approx(2 * 3 / 8)
    assert metrics.rouge_l("", "abc") == 0.0


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
