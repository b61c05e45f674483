"""Every arm is asked more, by a plan that the study fixes."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from evaluate_study import Engines
from probe_case import probed_study, speak
from typer.testing import CliRunner

from fencun.cli import app_for
from fencun.errors import EngineError, FencunError
from fencun.evaluate.probe_summary import summarise
from fencun.evaluate.probing import plan, probe_all, probe_answers
from fencun.evaluate.records import Answer
from fencun.evaluate.study import Study
from fencun.models.engine import Decoding, Message
from fencun.models.fake import Answer as Said


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return await probed_study(tmp_path, monkeypatch)


async def test_all_arms_are_asked_once_and_it_goes_on_where_it_was(study: Study) -> None:
    asks = plan(study, "quick")
    # 3 arms x (4 draws of 3 briefs + 3 briefs in 5 ways) + 2 voices x 4 everyday questions
    assert len(asks) == len(set(asks)) == 3 * (4 * 3 + 3 * 5) + 2 * 4
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


async def test_what_failed_counts_as_missed_and_is_asked_again(study: Study) -> None:
    def dead(messages: Sequence[Message], decoding: Decoding) -> Said:
        return EngineError("断了", "broken")

    answers = await probe_all(study, [], "quick", opener=Engines(dead))
    summary = summarise(study, answers, "quick")
    assert summary["arms"][2]["seeds"] == {
        "count": 0, "total": 12, "share": 0.0, "low": 0.0,
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


def test_the_command_plans_first(study: Study) -> None:
    def typed(*words: str) -> str:
        arguments = ["eval", "probe", study.name, *words]
        return CliRunner().invoke(app_for(arguments), arguments).output

    told = json.loads(typed("--plan", "--json", "--size", "quick"))
    assert told["asks"] == told["todo"] == 89
    assert "约" in typed("--plan")
    asyncio.run(probe_all(study, [], "quick", opener=Engines(speak)))
    assert json.loads(typed("--plan", "--json", "--size", "quick"))["todo"] == 0
    table = typed("--size", "quick")
    assert "漂移：打错字" in table
    assert (study.folder / "probes.json").is_file()
