"""Ten questions about a scenario not begun, and an honest answer."""

import json
from pathlib import Path

import pytest
from advice_case import FIT, run
from pydantic import ValidationError

from fencun.errors import FencunError
from fencun.evaluate.advice import Interview, advise, interview


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "try"),
        ({"kind": "lookup"}, "unfit"),
        ({"kind": "compute"}, "unfit"),
        ({"kind": "judge"}, "unfit"),
        ({"fresh": "days"}, "unfit"),
        ({"stakes": "grave"}, "unfit"),
        ({"capable": "never"}, "base"),
        ({"examples": "no"}, "direction"),
        ({"agree": "half"}, "direction"),
        ({"gap": "facts"}, "rag"),
        ({"prompt": "enough"}, "prompt"),
        ({"prompt": "none"}, "prompt"),
        ({"volume": "few"}, "prompt"),
        ({"kind": "lookup", "prompt": "enough"}, "unfit"),
        ({"agree": "unknown", "examples": "few", "raters": "no"}, "try"),
    ],
)
def test_what_comes_first_is_the_answer(change: dict[str, str], outcome: str) -> None:
    advice = advise(interview(), FIT | change)
    assert advice.outcome.name == outcome
    assert bool(advice.reasons) == (outcome != "try")


def test_there_are_ten_questions_and_every_answer_matters() -> None:
    asked = interview()
    assert len(asked.questions) == 10
    signs = [sign for outcome in asked.outcomes for sign in outcome.signs] + [*asked.cautions]
    assert {name for sign in signs for name in sign.when} == {q.id for q in asked.questions}


def test_what_else_is_true_is_said_too() -> None:
    advice = advise(interview(), FIT | {"kind": "judge", "examples": "no", "raters": "no"})
    assert [sign.when for sign in advice.also] == [{"examples": ("no",)}]
    assert [sign.when for sign in advice.cautions] == [{"raters": ("no",)}]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "magic"}, "kind"),
        ({"kind": ["expression"]}, "kind"),
        ({"mood": "good"}, "没有这个问题：mood"),
        ({"stakes": None}, "还没有答"),
    ],
)
def test_bad_answers_name_the_question(change: dict[str, object], told: str) -> None:
    with pytest.raises(FencunError, match=told):
        advise(interview(), FIT | change)


def test_rules_that_name_unknown_answers_are_refused() -> None:
    declared = interview().model_dump(by_alias=True)
    declared["cautions"] = [{"if": {"kind": ["poetry"]}, "zh": "一", "en": "one"}]
    with pytest.raises(ValidationError, match="kind: poetry"):
        Interview.model_validate(declared)


def test_a_filled_in_form_is_read(tmp_path: Path) -> None:
    form = run("advise", "--questions").output
    for name, value in FIT.items():
        assert f"\n{name}:\n" in f"\n{form}"
        form = form.replace(f"\n{name}:\n", f"\n{name}: {value}\n")
    (tmp_path / "answers.yaml").write_text(form, encoding="utf-8")
    ended = run("advise", "--answers", str(tmp_path / "answers.yaml"), "--json")
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["outcome"] == "try"
    told = run("advise", "--answers", str(tmp_path / "answers.yaml")).output
    assert "值得试" in told
    assert "fencun eval verdict" in told


@pytest.mark.parametrize("content", ["[1, 2]", "a: [", "kind: expression\n"])
def test_files_that_are_no_answers_are_explained(content: str, tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text(content, encoding="utf-8")
    ended = run("advise", "--answers", str(tmp_path / "answers.yaml"))
    assert isinstance(ended.exception, FencunError)
