"""``fencun write`` without flags asks, field by field."""

import pytest
from cli_case import fake_engine
from typer.testing import CliRunner

from fencun.cli import app_for
from fencun.models.fake import FakeEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return fake_engine(monkeypatch)


def test_the_questionnaire_asks_again_where_it_did_not_understand(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fencun.cli.questions.at_a_terminal", lambda: True)
    answers = ["王老师", "火星人", "高中班主任", "常给我讲题", "", "1", "短"]
    arguments = ["write", "--draws", "1", "-n", "1", "--arm", "bare"]
    told = CliRunner().invoke(app_for(arguments), arguments, input="\n".join(answers) + "\n")
    assert told.exit_code == 0, told.output
    assert "最接近的是" in told.output
    sent = engine.calls[0][0][-1]["content"]
    assert "关系：老师导师（高中班主任）" in sent
    assert "场合：初一拜年" in sent
    assert "风格：真诚走心" in sent
