"""Every arm answers every brief, once; a run that was killed goes on where it was."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from evaluate_study import (
    Engines,
    make_adapter,
    make_model,
    make_scenario,
    speak,
)

from fencun.errors import FencunError
from fencun.evaluate.briefs import briefs_for_study
from fencun.evaluate.find import find_study
from fencun.evaluate.probe_summary import Examiner
from fencun.evaluate.run import run
from fencun.models.engine import Completion, Decoding, Message
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario

pytestmark = pytest.mark.usefixtures("fake_base")


@pytest.fixture(autouse=True)
def _base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_MODEL", str(make_model(tmp_path / "base.gguf")))


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


@pytest.fixture
def adapter(tmp_path: Path) -> str:
    return str(make_adapter(tmp_path / "adapter", tmp_path / "base.gguf"))


async def test_four_arms_answer_every_brief_on_one_engine(tmp_path: Path, adapter: str) -> None:
    scenario = make_scenario(tmp_path / "four", test=2, train=5)
    engines = Engines()
    study = await run(scenario, out="four", adapter=adapter, opener=engines)
    study.check()
    answers = study.answers()
    assert len(answers) == 4 * 2
    assert len({(answer.arm, answer.brief) for answer in answers}) == 8
    assert len(engines.opened) == 1
    assert engines.opened[0][2].closed
    by_arm = study.by_arm()
    for brief in by_arm["bare"]:
        seeds = {by_arm[arm][brief].seed for arm in study.arms}
        assert len(seeds) == 1
    tuned = answers[-1]
    assert len(tuned.model) == len(tuned.adapter) == 64
    assert by_arm["bare"][tuned.brief].adapter == ""
    assert by_arm["bare"][tuned.brief].user == tuned.user
    rag, prompt = by_arm["rag"][tuned.brief], by_arm["prompt"][tuned.brief]
    assert len(rag.examples) == 3
    assert rag.user == prompt.user != tuned.user
    assert rag.prefix == prompt.prefix
    assert rag.prompt != prompt.prompt
    prefixes = json.loads((study.folder / "prefixes.json").read_bytes())
    assert prefixes[prompt.prefix][0]["content"] == "你替人写春节祝福，像真人说话。"


async def test_an_interrupted_run_goes_on_without_double_lines(scenario: Scenario) -> None:
    asked: list[str] = []

    def stops(_answer: object, done: int, _all: int) -> None:
        if done == 9:
            raise RuntimeError("pulled the plug")

    with pytest.raises(ExceptionGroup):
        await run(scenario, arms="bare,prompt", out="cut", opener=Engines(), progress=stops)
    study = find_study("cut")
    assert not study.frozen
    kept = len(study.answers())
    assert 9 <= kept < 24

    def counted(messages: object, decoding: object) -> object:
        asked.append("x")
        return speak(messages, decoding)  # type: ignore[arg-type]

    study = await run(scenario, arms="bare,prompt", out="cut", opener=Engines(counted))
    assert len(asked) == 24 - kept
    assert len({(answer.arm, answer.brief) for answer in study.answers()}) == 24


async def test_an_answer_that_did_not_end_by_itself_is_no_answer_or_says_so(
    scenario: Scenario,
) -> None:
    class Ended(FakeEngine):
        """Ends as its prompt arm is told to, and with thoughts alone in the other arm."""

        async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
            if messages[0]["role"] == "system":
                return Completion("过年好，老", "length" if decoding.seed % 2 else "broken", 9, 9)
            return Completion("", "stop", 9, 9, thought=True)

    study = await run(
        scenario, arms="bare,prompt", out="ends", opener=lambda *_: Ended(), incomplete=True
    )
    by_arm = study.by_arm()
    assert {(a.text, "思考" in a.error) for a in by_arm["bare"].values()} == {("", True)}
    ends = {(a.text, a.finish, bool(a.error)) for a in by_arm["prompt"].values()}
    assert ends == {("过年好，老", "length", False), ("", "", True)}
    told = Examiner(study).measure("prompt", list(by_arm["prompt"].values()), [])
    assert told.hit.count == 0
    assert told.faults["ending"] == sum(not a.failed for a in by_arm["prompt"].values())


async def test_human_lines_are_an_arm(scenario: Scenario, tmp_path: Path) -> None:
    ids = [sample.id for sample in briefs_for_study(scenario, scenario.folder / "dataset")]
    lines = tmp_path / "human.jsonl"
    lines.write_text(json.dumps({"brief": ids[0], "text": "老张，过年好。"}), encoding="utf-8")
    config = tmp_path / "arms.yaml"
    config.write_text("arms: [bare, {name: human, style: file, file: human.jsonl}]", "utf-8")
    with pytest.raises(FencunError, match="human 11 条"):
        await run(scenario, arms=str(config), out="human", opener=Engines())
    study = await run(scenario, arms=str(config), out="human", opener=Engines(), incomplete=True)
    human = study.by_arm()["human"]
    assert human[ids[0]].text == "老张，过年好。"
    assert human[ids[1]].failed
    lines.write_text(json.dumps({"brief": "nobody", "text": "x"}), encoding="utf-8")
    with pytest.raises(FencunError, match="第 1 行"):
        await run(scenario, arms=str(config), out="human2", opener=Engines())
