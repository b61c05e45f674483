import pytest
from gate_case import asked, marked

from fencun.gates.leak import LeakGate
from fencun.scenario import Scenario


@pytest.fixture(scope="module")
def gate(scenario: Scenario) -> LeakGate:
    return LeakGate(scenario)


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("", "王老师，给您拜年，K歌去不去，WiFi密码没换。"),
        ("他教我debug和Photoshop", "王老师，debug的时候想起您，Photoshop也是。"),
        ("", "王老师，今天的安排如下：吃饭，睡觉，晒太阳（别忘了）。"),
    ],
)
def test_right_lines_pass(gate: LeakGate, scenario: Scenario, detail: str, text: str) -> None:
    assert marked(gate, text, asked(scenario, detail=detail)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<think>先想想</think>王老师，过年好。", "<think>"),
        ("王老师，过年好。<|im_end|>", "<|im_end|>"),
        ("<草稿>给您拜年</草稿>王老师，过年好。", "</草稿>"),
        ("<plan x=1>王老师，过年好。", "<plan x=1>"),
        ("王老师，万\u200b事如意。", "\u200b"),
        ("\u202e王老师，过年好。", "\u202e"),
        ("用户要给老师拜年，要真诚。王老师，过年好。", "用户要"),
        ("王老师，过年好。（思考：再短一点）", "（思考：再短一点）"),
        ("称呼：王老师\n过年好。", "称呼："),
        ("好的，王老师，过年好。", "好的，"),
        ("以下是给王老师的祝福。", "以下是"),
        ("作为一个AI助手，祝王老师过年好。", "作为一个AI助手"),
        ("王老师，过年好。\n[你的名字]", "[你的名字]"),
        ("王老师，XX公司给您拜年。", "XX"),
        ("王老师，过年好。（全文32字）", "（全文32字）"),
        ("王老师，过年好。写2到3句话", "写2到3句话"),
        ("王老师，真诚走心地给您拜年。", "真诚走心"),
        ("王老师，よろしく。", "よろしく"),
        ("王老师，一起住 dorm 的时候您常来。", "dorm"),
        ("王老师，Happy new year to you。", "Happy new year to you"),
        ("王老师，�过年好。", "�"),
        ("王老师，小时候一起的那堆石子，我妈还给咱留着，真好。", "的那堆石子，我妈还给咱留着，"),
    ],
)
def test_leaks_are_found(gate: LeakGate, scenario: Scenario, text: str, wrong: str) -> None:
    assert ("fault", wrong) in marked(gate, text, asked(scenario))
