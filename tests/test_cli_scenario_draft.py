"""``fencun scenario draft``: a person takes proposals one by one; without one, none is taken."""

from pathlib import Path

import pytest
from cli_case import run
from draft_case import MESSAGES, answer

from fencun.author.accept import read_draft
from fencun.errors import EngineError
from fencun.models.fake import FakeEngine
from fencun.scenario import load_scenario


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """A model that proposes, and a folder to work in with messages to read."""
    monkeypatch.chdir(tmp_path)
    fake = FakeEngine(answer)
    monkeypatch.setattr("fencun.models.open.open_engine", lambda *_, **__: fake)
    (tmp_path / "real.txt").write_text("\n".join(MESSAGES), encoding="utf-8")
    return fake


def test_nobody_at_the_terminal_takes_nothing(engine: FakeEngine) -> None:
    told = run("scenario", "draft", "mine", "--from", "real.txt", "--seed", "5")
    assert told.exit_code == 0, told.output
    assert "一条也还没有收下" in told.output
    assert "22 条消息（电话、证件号、地址已遮住）给 fake 看" in told.stderr
    assert "另有 2 条提议在消息里找不到，没有采用；0 次回答读不懂" in told.stderr
    assert {decoding.seed for _, decoding in engine.calls} == {5}
    assert engine.closed
    taken = run("scenario", "draft", "mine", "--take", "mine.draft.yaml")
    assert "收下 0 条" in taken.output
    assert load_scenario("mine").title == "mine"
    assert load_scenario().name == "mine"


def test_a_person_takes_them_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fencun.cli.questions.at_a_terminal", lambda: True)
    answers = iter(["x", "y", "n", *"l" * 20])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    told = run("scenario", "draft", "mine", "--from", "real.txt", "--title", "回差评")
    assert told.exit_code == 0, told.output
    assert "收下 1 条" in told.output
    assert "要填的一项：怎么处理" in told.output
    scenario = load_scenario("mine")
    assert [d.name for d in scenario.dimensions] == ["to", "what", "remedy"]
    kept = read_draft(scenario.folder / "draft.yaml")
    assert [said for _, said in kept[:3]] == ["yes", "no", "later"]


def test_there_must_be_something_to_read(engine: FakeEngine) -> None:
    nothing = run("scenario", "draft", "mine")
    assert nothing.exit_code == 2
    assert "--from" in nothing.stderr
    assert engine.calls == []


def test_a_model_that_fails_leaves_no_scenario_and_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = FakeEngine([EngineError("没了", "gone")])
    monkeypatch.setattr("fencun.models.open.open_engine", lambda *_, **__: gone)
    told = run("scenario", "draft", "mine", "--from", "real.txt")
    assert isinstance(told.exception, EngineError)
    assert gone.closed
    assert [path.name for path in Path().iterdir()] == ["real.txt"]
