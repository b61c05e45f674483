"""Arms, test briefs, and a study that is registered, answered, resumed and frozen."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from evaluate_study import (
    Engines,
    answered_study,
    make_adapter,
    make_model,
    make_scenario,
    speak,
)

from fencun.data.lines import read_samples
from fencun.errors import EngineError, FencunError
from fencun.evaluate.arms import parse_arms, told
from fencun.evaluate.briefs import briefs_for_study, spread
from fencun.evaluate.probes import Examiner
from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.run import run
from fencun.evaluate.study import Study, find_study, studies
from fencun.models.engine import Completion, Decoding, Message
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return make_scenario(tmp_path / "scene")


@pytest.fixture(scope="session")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embeddings")


@pytest.fixture(autouse=True)
def _home(
    own_home: Path, tmp_path: Path, embeddings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home / "embeddings").symlink_to(embeddings)  # embedding a line twice costs seconds
    monkeypatch.setenv("FENCUN_MODEL", str(make_model(tmp_path / "base.gguf")))


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


async def test_all_arms_share_the_temperature_of_the_adapter(
    scenario: Scenario, adapter: str
) -> None:
    manifest = Path(adapter) / "manifest.json"
    declared = json.loads(manifest.read_bytes()) | {"temperature": 0.2}
    manifest.write_text(json.dumps(declared), encoding="utf-8")
    engines = Engines()
    await run(scenario, arms="bare,tuned", adapter=adapter, out="cool", opener=engines)
    assert {decoding.temperature for _, decoding in engines.opened[0][2].calls} == {0.2}
    engines = Engines()
    await run(scenario, arms="bare,prompt", out="asked", temperature=1.1, opener=engines)
    assert {decoding.temperature for _, decoding in engines.opened[0][2].calls} == {1.1}


async def test_rag_sees_training_seeds_only(tmp_path: Path) -> None:
    scenario = make_scenario(tmp_path / "small", test=2, train=5)
    study = await run(scenario, arms="bare,rag", out="rag", opener=Engines())
    test, train = (
        {sample.id for sample in read_samples(scenario.folder / "dataset" / name, scenario)}
        for name in ("test.jsonl", "train.jsonl")
    )
    retrieved = {seed for answer in study.by_arm()["rag"].values() for seed in answer.examples}
    assert retrieved <= train
    assert not retrieved & test


async def test_a_finished_study_is_not_answered_again(scenario: Scenario) -> None:
    first = await run(scenario, arms="bare,prompt", out="once", opener=Engines())
    before = (first.folder / "answers.jsonl").read_bytes()
    engines = Engines()
    again = await run(scenario, arms="bare,prompt", out="once", opener=engines)
    assert engines.opened == []
    assert (again.folder / "answers.jsonl").read_bytes() == before


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


async def test_failures_are_recorded_for_their_arm(scenario: Scenario) -> None:
    def fails(messages, decoding):  # type: ignore[no-untyped-def]
        if messages[0]["role"] == "system":
            return EngineError("引擎坏了", "broken")
        return speak(messages, decoding)

    study = await run(scenario, arms="bare,prompt", out="half", opener=Engines(fails))
    by_arm = study.by_arm()
    assert all(not answer.failed for answer in by_arm["bare"].values())
    assert all(answer.error == "引擎坏了" for answer in by_arm["prompt"].values())


async def test_an_answer_that_did_not_end_by_itself_is_no_answer_or_says_so(
    scenario: Scenario,
) -> None:
    class Ended(FakeEngine):
        """Ends as its prompt arm is told to, and with thoughts alone in the other arm."""

        async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
            if messages[0]["role"] == "system":
                return Completion("过年好，老", "length" if decoding.seed % 2 else "broken", 9, 9)
            return Completion("", "stop", 9, 9, thought=True)

    study = await run(scenario, arms="bare,prompt", out="ends", opener=lambda *_: Ended())
    by_arm = study.by_arm()
    assert {(a.text, "思考" in a.error) for a in by_arm["bare"].values()} == {("", True)}
    ends = {(a.text, a.finish, bool(a.error)) for a in by_arm["prompt"].values()}
    assert ends == {("过年好，老", "length", False), ("", "", True)}
    told = Examiner(study).measure("prompt", list(by_arm["prompt"].values()), [])
    assert told.hit.count == 0
    assert told.faults["ending"] == sum(not a.failed for a in by_arm["prompt"].values())


async def test_two_studies_with_one_name_are_refused(scenario: Scenario) -> None:
    await run(scenario, arms="bare,prompt", out="same", opener=Engines())
    with pytest.raises(FencunError, match=r"same.*arms"):
        await run(scenario, arms="bare,rag", out="same", opener=Engines())
    with pytest.raises(FencunError, match="seed"):
        await run(scenario, arms="bare,prompt", out="same", seed=2, opener=Engines())


async def test_changed_answers_are_noticed(scenario: Scenario) -> None:
    study = await run(scenario, arms="bare,prompt", out="changed", opener=Engines())
    path = study.folder / "answers.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("过年好", "新年好", 1), "utf-8")
    with pytest.raises(FencunError, match=r"answers\.jsonl.*改过"):
        study.check()


async def test_human_lines_are_an_arm(scenario: Scenario, tmp_path: Path) -> None:
    ids = [sample.id for sample in briefs_for_study(scenario, scenario.folder / "dataset")]
    lines = tmp_path / "human.jsonl"
    lines.write_text(json.dumps({"brief": ids[0], "text": "老张，过年好。"}), encoding="utf-8")
    config = tmp_path / "arms.yaml"
    config.write_text("arms: [bare, {name: human, style: file, file: human.jsonl}]", "utf-8")
    study = await run(scenario, arms=str(config), out="human", opener=Engines())
    human = study.by_arm()["human"]
    assert human[ids[0]].text == "老张，过年好。"
    assert human[ids[1]].failed
    lines.write_text(json.dumps({"brief": "nobody", "text": "x"}), encoding="utf-8")
    with pytest.raises(FencunError, match="第 1 行"):
        await run(scenario, arms=str(config), out="human2", opener=Engines())


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("bare", "至少要两组"),
        ("bare,bare", "同一个名字"),
        ("bare,best", "没有叫“best”"),
        ("[]", "没有叫"),
    ],
)
def test_malformed_arms_are_explained(declared: str, message: str) -> None:
    with pytest.raises(FencunError, match=message):
        parse_arms(declared)


@pytest.mark.parametrize(
    "text",
    ["arms: 3", "arms:\n- [", "arms: [{name: x}]", "arms: [bare, {name: a, style: file}]"],
)
def test_malformed_arm_files_are_explained(text: str, tmp_path: Path) -> None:
    path = tmp_path / "arms.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FencunError) as refused:
        parse_arms(str(path))
    assert "\n" not in str(refused.value)
    if text.endswith("["):
        assert "第 2 行读不了" in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FencunError, match=r"打不开 .*gone\.yaml：No such file"):
        parse_arms(str(tmp_path / "gone.yaml"))


def test_more_briefs_than_there_are_cannot_be_asked(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="测试集里有 12 条需求，要不出 13 条"):
        briefs_for_study(scenario, scenario.folder / "dataset", 13)


async def test_a_missing_adapter_says_what_to_do(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="fencun tune run"):
        await run(scenario, out="none", opener=Engines())


async def test_test_families_must_be_unseen(scenario: Scenario) -> None:
    dataset = scenario.folder / "dataset"
    line = (dataset / "test.jsonl").read_text(encoding="utf-8").splitlines()[0]
    with (dataset / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(FencunError, match="同一家族"):
        await run(scenario, arms="bare,prompt", out="leak", opener=Engines())


def test_a_missing_dataset_says_what_to_do(tmp_path: Path, scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="fencun data build"):
        briefs_for_study(scenario, tmp_path / "nowhere")


def test_briefs_are_spread_over_the_map(tmp_path: Path) -> None:
    scenario = make_scenario(tmp_path / "wide", test=26)
    samples = read_samples(scenario.folder / "dataset" / "test.jsonl", scenario)
    relations = {sample.brief["relation"] for sample in samples}
    picked = spread(scenario, samples, len(relations))
    assert {sample.brief["relation"] for sample in picked} == relations
    topics = {sample.tact.topic for sample in samples if sample.tact}
    assert len({sample.tact.topic for sample in picked if sample.tact}) >= len(topics) // 2
    assert spread(scenario, samples[::-1], 10) == spread(scenario, samples, 10)


def test_prompt_and_rag_share_their_beginning(
    scenario: Scenario, brief_of: Callable[[Scenario], object]
) -> None:
    arms = {arm.name: arm for arm in parse_arms("bare,prompt,rag")}
    brief = brief_of(scenario)
    system = [told(arms[name], brief)[0]["content"] for name in ("prompt", "rag")]  # type: ignore[arg-type]
    assert system[0] == system[1]


@pytest.fixture
def brief_of() -> Callable[[Scenario], object]:
    from fencun.brief import parse_brief

    return lambda scenario: parse_brief(scenario, scenario.example)


async def test_studies_are_found_newest_first(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match="没有叫“nope”"):
        find_study("nope")
    study = await run(scenario, arms="bare,prompt", out="one", opener=Engines())
    assert find_study("one").folder == study.folder
    assert find_study(str(study.folder)).name == "one"
    assert "one" in [found.name for found in studies()]


def test_a_broken_registration_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FencunError, match="没有实验"):
        Study(tmp_path)
    (tmp_path / "study.json").write_text("{", encoding="utf-8")
    with pytest.raises(FencunError, match="读不了"):
        Study(tmp_path)


async def test_the_plan_is_registered_and_a_change_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = await answered_study(tmp_path, monkeypatch)
    plan = study.registration.plan
    assert plan is not None
    assert (plan["votes"], plan["looks"]) == (140, [140, 210, 280])
    assert plan["rivals"] == ["bare", "prompt"]
    assert (study.planned, study.amended) == (140, "")
    with pytest.raises(FencunError, match="理由"):
        study.amend(shipped_rules(), " ")
    study.amend(shipped_rules(), "原来的票数太少")
    assert "原来的票数太少" in study.amended
    assert study.rules.hash == shipped_rules().hash
    assert study.planned > 140
    study.check()  # the registration itself was not touched


async def test_rules_of_an_older_kind_are_replaced_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = await answered_study(tmp_path, monkeypatch)
    path = study.folder / "study.json"
    declared = json.loads(path.read_bytes())
    declared["rules"] = {"version": 1, "rules": {}}
    path.write_text(json.dumps(declared), encoding="utf-8")
    old = Study(study.folder)
    assert "旧规则" in old.amended
    assert old.rules.hash == shipped_rules().hash
