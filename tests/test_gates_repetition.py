import pytest
from gate_case import asked, marked

from fencun.gates.repetition import RepetitionGate
from fencun.scenario import Scenario


@pytest.mark.parametrize(
    "text",
    [
        "王老师，吃好，睡好，玩好，心情好。",
        "王老师，想说话就说，不想说话就不说，哈哈哈哈。",
        "王老师，再想一步，我改了三遍，又再想一步，就对了。",
    ],
)
def test_right_lines_pass(scenario: Scenario, text: str) -> None:
    assert marked(RepetitionGate(), text, asked(scenario)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("王老师，我带孩子去拜年。他不耐烦，我带孩子去拜年。", "我带孩子去拜年"),
        ("王老师，爱您爱您爱您爱您爱您。", "爱您爱您爱您爱您爱您"),
        ("王老师，哈哈哈哈哈哈哈哈哈哈。", "哈哈哈哈哈哈哈哈哈哈"),
        ("祝您在新的岁月里安好；盼他在新的岁月里健康；愿我在新的岁月里见您。", "在新的岁月里"),
    ],
)
def test_loops_are_found(scenario: Scenario, text: str, wrong: str) -> None:
    ((severity, found),) = marked(RepetitionGate(), text, asked(scenario))
    assert severity == "fault"
    assert wrong in found or found in wrong
