import pytest
from gate_case import asked, marked

from fencun.gates.salutation import SalutationGate
from fencun.scenario import Scenario


@pytest.mark.parametrize(
    "text",
    [
        "王老师，过年好。",
        "给您拜年了，王老师。",
        "王老师过年好！",
        "今晚改完最后一个错，忽然想起走廊上的粉笔灰。王老师，您歇着。",
    ],
)
def test_right_lines_pass(scenario: Scenario, text: str) -> None:
    assert marked(SalutationGate(scenario), text, asked(scenario)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("老师，过年好。", [("fault", "")]),
        ("在除夕的夜晚，王老师以温和的姿态给孩子讲题。", [("fault", "王老师")]),
        ("您好，我是王老师，给您拜年。", [("fault", "我是王老师")]),
        (
            "整栋楼都穿着单衣看春晚，窗户上一点霜也没有，没人知道楼下有间锅炉房，房里坐着个人。"
            "王老师，给您拜年。",
            [("doubt", "王老师")],
        ),
    ],
)
def test_missing_late_or_spoken_about(
    scenario: Scenario, text: str, wrong: list[tuple[str, str]]
) -> None:
    assert marked(SalutationGate(scenario), text, asked(scenario)) == wrong


def test_regular_expression_characters_in_a_salutation_are_plain(scenario: Scenario) -> None:
    brief = asked(scenario, salutation="老(王.*")
    assert marked(SalutationGate(scenario), "老(王.*，过年好。", brief) == []
    assert marked(SalutationGate(scenario), "老王，过年好。", brief) == [("fault", "")]
