"""A run tells of itself on stderr, in the language of who watches; stdout stays for its result."""

import pytest

from fencun.cli.tune_progress import teller
from fencun.tune.runs.events import LookEvent, StepEvent

STEP = StepEvent(3, 40, loss=2.5, rate=1e-4, samples_per_second=1.5, eta=150.0)
LOOK = LookEvent(
    4,
    2.25,
    greetings=[{"text": "新年好。", "faults": []}, {"text": "百忙", "faults": ["套话", "太短"]}],
)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    tell = teller()
    tell(STEP)
    tell(LOOK)
    said = capsys.readouterr()
    assert said.out == ""
    return said.err.splitlines()


def test_a_line_a_step_and_the_texts_of_a_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys) == [
        "第 3/40 步  损失 2.500  每秒 1.50 条  还要 2 分钟",
        "—— 看一眼：验证损失 2.250",
        "   新年好。  [过关]",
        "   百忙  [套话、太短]",
    ]


def test_the_same_in_english(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_LANG", "en")
    lines = told(capsys)
    assert lines[0] == "step 3/40  loss 2.500  1.50 samples/s  2 min left"
    assert lines[1] == "-- a look: validation loss 2.250"
    assert lines[2] == "   新年好。  [passes]"
