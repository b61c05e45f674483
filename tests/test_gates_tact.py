import pytest
from gate_case import asked, marked

from fencun.gates.tact import TactGate
from fencun.scenario import Scenario

_DIVORCED = "他去年离婚，有天晚上我陪他在江边坐到天亮"


@pytest.fixture(scope="module")
def gate(scenario: Scenario) -> TactGate:
    return TactGate(scenario)


def test_a_matter_left_out_passes(gate: TactGate, scenario: Scenario) -> None:
    text = "大鹏，今年我家年夜饭给你留了双筷子，来不来都留着。吃完想去江边走走，喊我。"
    assert marked(gate, text, asked(scenario, detail=_DIVORCED)) == []


def test_a_matter_named_is_a_fault(gate: TactGate, scenario: Scenario) -> None:
    text = "大鹏，离婚没什么，人生会有新的感情。"
    brief = asked(scenario, detail=_DIVORCED)
    assert marked(gate, text, brief) == [("fault", "离婚"), ("fault", "新的感情")]


def test_words_without_the_matter_are_innocent(gate: TactGate, scenario: Scenario) -> None:
    assert marked(gate, "远航，老师没有官司要打，就是闲聊。", asked(scenario)) == []


def test_light_matters_are_doubts(gate: TactGate, scenario: Scenario) -> None:
    brief = asked(scenario, detail="姨父去年做了心脏手术，恢复挺好，又能上山挖笋")
    assert marked(gate, "王老师，手术做完您又能上山了。", brief) == [("doubt", "手术")]
    assert marked(gate, "王老师，听说您恢复得不错，笋给我留一筐。", brief) == []


def test_merriment_jars_with_mourning(gate: TactGate, scenario: Scenario) -> None:
    brief = asked(scenario, detail="他爸上个月走了")
    assert marked(gate, "王老师，新年快乐。", brief) == [("fault", "新年快乐")]
    assert marked(gate, "王老师，天冷，多保重。", brief) == []


def test_an_innocent_longer_word_is_allowed(gate: TactGate, scenario: Scenario) -> None:
    brief = asked(scenario, detail="他欠着外债")
    assert marked(gate, "老滕，别老打哈欠，你还欠着我呢。", brief) == [("fault", "欠")]
