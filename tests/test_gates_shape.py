import pytest
from gate_case import asked, marked

from fencun.gates.shape import ShapeGate
from fencun.scenario import Scenario


@pytest.fixture(scope="module")
def gate(scenario: Scenario) -> ShapeGate:
    return ShapeGate(scenario)


@pytest.mark.parametrize(
    "text",
    [
        "王老师：\n给您拜年了！您那句“再想一步”我还用着！🧨",
        "王老师，早起记得吃饭——别又空着肚子进教室。你的枕头我晒了。",
        "王老师，12.5公里跑完了，给您拜年。",
        "“再想一步”，王老师，您这话我记着，还有那句“别急”",
    ],
)
def test_right_lines_pass(gate: ShapeGate, scenario: Scenario, text: str) -> None:
    assert marked(gate, text, asked(scenario)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("王老师，好！好！好！", [("fault", "！")]),
        ("王老师，过年好🎉🎊", [("fault", "🎊")]),
        ("王老师，过年好[玫瑰][拥抱]", [("fault", "[拥抱]")]),
        ("**王老师**，过年好", [("fault", "**")]),
        ("王老师：\n- 吃好\n- 睡好。", [("fault", "- ")]),
        ("“王老师，过年好。”", [("fault", "“")]),
        ("王老师：“过年好，少站风口。”", [("fault", "“")]),
        ("【除夕祝福】王老师，过年好。", [("fault", "【除夕祝福】")]),
        ("新春祝福：王老师，过年好。", [("fault", "新春祝福：")]),
        ("王老师，过年好。——小李", [("fault", "——小李")]),
        ("王老师，过年好。\n学生小李", [("fault", "\n学生小李")]),
        ("王老师，过年好。您的学生小李", [("fault", "您的学生小李")]),
        ("王老师\n过年好。\n少站风口。\n多喝水。", [("doubt", "")]),
    ],
)
def test_wrong_shapes(
    gate: ShapeGate, scenario: Scenario, text: str, wrong: list[tuple[str, str]]
) -> None:
    assert marked(gate, text, asked(scenario)) == wrong


def test_one_emoji_of_many_code_points_is_one(gate: ShapeGate, scenario: Scenario) -> None:
    assert marked(gate, "王老师，过年好👨‍👩‍👧‍👦", asked(scenario)) == []
