"""``fencun advise``: the same answers give the same advice, and bad answers are explained."""

import json

import pytest
from advice_case import FIT, run

from fencun.evaluate.advice import interview


def test_nobody_at_the_terminal_is_told_what_to_do() -> None:
    assert "--questions" in str(run("advise").exception)


def test_questions_are_asked_until_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fencun.cli.questions.at_a_terminal", lambda: True)
    asked = interview().questions
    numbers = [[o.value for o in q.options].index(FIT[q.id]) + 1 for q in asked]
    ended = run("advise", "--json", said="9\nhm\n" + "\n".join(map(str, numbers)) + "\n")
    assert ended.exit_code == 0, ended.output
    typed, brace, answer = ended.stdout.partition("{")  # the runner shows what was typed, too
    assert json.loads(brace + answer)["outcome"] == "try", typed
