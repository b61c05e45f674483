"""What a model is told to write, and what of its answer is taken."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from breed_case import SEEDS, TEXTS, children
from data_case import small_scenario
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.breeder import ModelBreeder, read_fields
from fencun.data.breeding_plan import PlannedChild, write_plan
from fencun.data.lines import Line, iterate_lines, read_lines
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    return small_scenario(tmp_path / "scenario", SEEDS)


@pytest.fixture
def lines(small: Scenario) -> list[Line]:
    return read_lines([small.folder / "seeds.jsonl"], small).lines


def test_a_model_reads_charter_parent_and_siblings(small: Scenario, lines: list[Line]) -> None:
    answer = (
        f"好的：\n```json\n{json.dumps({'salutation': '爸', 'detail': '', 'text': TEXTS[0]})}\n```"
    )
    engine = FakeEngine([answer], name="some-model")
    breeder = ModelBreeder(engine, small)
    (child,) = children(1)
    written = asyncio.run(breeder.write(child, lines[0], ["旧的一条"], 0))
    assert written.fields == {"salutation": "爸", "detail": "", "text": TEXTS[0], "why": ""}
    assert written.prompt_tokens > 0
    (chat, decoding) = engine.calls[0]
    told = "\n".join(message["content"] for message in chat)
    assert "有分寸" in told, "the charter is read"
    for said in ("水仙", "旧的一条", "小年", "10到30字", "交往细节：留空"):
        assert said in told
    assert breeder.name == "some-model"
    asyncio.run(breeder.write(child, lines[0], [], 1))
    assert engine.calls[1][1].seed != decoding.seed, "another try is another draw"


@pytest.mark.parametrize(
    "answer",
    ["", "不会", "{}", '{"text": 3}', "[1]", "{" * 5000, '{"text": "只有正文"}', "\ud800{"],
)
def test_an_answer_in_no_form_is_no_draft(answer: str) -> None:
    assert read_fields(answer, ("salutation", "detail", "text", "why")) is None


def test_nothing_in_an_answer_can_change_the_plan() -> None:
    answer = '{"salutation": "爸", "detail": "", "text": "好", "why": "", "parent": "x", "id": "y"}'
    fields = read_fields(answer, ("salutation", "detail", "text", "why"))
    assert fields == {"salutation": "爸", "detail": "", "text": "好", "why": ""}


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


def test_the_embedded_model_has_room_for_the_longest_prompt(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A character is at most one token of Qwen; the charter alone fills the usual context."""
    known = [*iterate_lines(scenario.folder / "seeds.jsonl", scenario),
             *iterate_lines(scenario.folder / "drafts.jsonl", scenario)]  # fmt: skip
    lines = [line for line in known if isinstance(line, Line)]
    longest = sorted((line.text for line in lines), key=len)[-6:]
    parent = max(lines, key=lambda line: len(line.text) + len(line.brief.value("detail")))
    engine, opened = FakeEngine(["{}"]), dict[str, Any]()

    def open_engine(model: str | None, **options: Any) -> FakeEngine:
        opened.update(options)
        return engine

    monkeypatch.setattr("fencun.models.open.open_engine", open_engine)
    (child,) = children(1, length="长", occasion="红包留言")
    asyncio.run(ModelBreeder(engine, scenario).write(child, parent, longest, 0))
    write_plan(tmp_path / "plan.jsonl", [PlannedChild("b1", "s0001", child.values, "空", "")])
    out = ("--plan", tmp_path / "plan.jsonl", "--out", tmp_path / "run", "--tries", 1)
    assert fencun("data", "breed", *out).exit_code == 0
    chat, decoding = engine.calls[0]
    assert sum(len(message["content"]) for message in chat) > 3072
    assert (
        sum(len(message["content"]) for message in chat) + decoding.max_tokens < opened["context"]
    )
