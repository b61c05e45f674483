import pytest
from gate_case import asked, marked

from fencun.gates.cliche import ClicheGate
from fencun.scenario import Scenario


@pytest.fixture(scope="module")
def gate(scenario: Scenario) -> ClicheGate:
    return ClicheGate(scenario)


@pytest.mark.parametrize(
    "text",
    [
        "王老师，给您拜年了，天冷，少站风口。",
        "王老师，过年好。盼您睡得沉，愿您少改几本作业。",
        "王老师，新年快乐，万事顺手。",
    ],
)
def test_right_lines_pass(gate: ClicheGate, scenario: Scenario, text: str) -> None:
    assert marked(gate, text, asked(scenario)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("王老师，值此佳节，给您拜年。", [("fault", "值此")]),
        ("尊敬的王老师，给您拜年。", [("fault", "尊敬的")]),
        (
            "王老师，在这个特别的夜晚里，我想您。",
            [("fault", "在这个特别的夜晚里"), ("fault", "这个特别的夜晚")],
        ),
        ("王老师，谢谢您一直以来的支持。", [("fault", "一直以来的支持")]),
        ("王老师，您不仅教我数学，更教我做人。", [("fault", "不仅教我数学，更")]),
        (
            "王老师，祝您万事如意、心想事成、步步高升，早点歇着。",
            [("fault", "步步高升"), ("fault", "万事如意、心想事成、步步高升")],
        ),
        (
            "王老师，愿您睡得香，愿您吃得好，愿您走得稳，哪天见。",
            [("fault", "愿您睡得香，愿您吃得好，愿您走得稳")],
        ),
        ("王老师，给您拜年，祝您身体健康！", [("fault", "祝您身体健康！")]),
        ("王老师，您好！给您拜年。", [("doubt", "王老师，您好！")]),
        ("王老师，除夕夜想起您的温暖，心里感恩，觉得幸福。", [("fault", "温暖")]),
    ],
)
def test_wrong_lines_are_marked(
    gate: ClicheGate, scenario: Scenario, text: str, wrong: list[tuple[str, str]]
) -> None:
    assert marked(gate, text, asked(scenario)) == wrong


def test_a_salutation_is_no_opening(gate: ClicheGate, scenario: Scenario) -> None:
    brief = asked(scenario, salutation="亲爱的", relation="老婆")
    assert marked(gate, "亲爱的，过年好。", brief) == []
