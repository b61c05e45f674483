import pytest
from gate_case import asked, marked

from fencun.gates.facts import FactsGate
from fencun.scenario import Scenario


@pytest.fixture(scope="module")
def gate(scenario: Scenario) -> FactsGate:
    return FactsGate(scenario)


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("四年没联系", "沈念，四年了，笔还在我这儿。"),
        ("认识30年", "老关，三十年的酒还没喝完。"),
        ("前年他帮我搬家", "老关，这话憋了两年。"),
        ("", "王老师，一年到头您就坐一回，吃三块糖，走两步。"),
        ("", "王老师，您千万别下楼，这两年路滑，送钱总觉得俗。"),
        ("我姓宋，当过他的兵", "老班长，我是小宋，给您拜年。"),
        ("她在成都", "陈静，成都冷不冷？"),
    ],
)
def test_told_or_harmless(gate: FactsGate, scenario: Scenario, detail: str, text: str) -> None:
    assert marked(gate, text, asked(scenario, detail=detail)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("王老师，转眼二十年没见了。", "二十年"),
        ("王老师，您都八十岁了。", "八十岁"),
        ("王老师，那5万元我记着。", "5万元"),
        ("王老师，我是小许，住您楼上的。", "我是小许"),
        ("王老师，李主任也问您好。", "李主任"),
        ("王老师，上海冷不冷？", "上海"),
        ("王老师，听说您住院了。", "住院"),
    ],
)
def test_invented(gate: FactsGate, scenario: Scenario, text: str, wrong: str) -> None:
    assert marked(gate, text, asked(scenario)) == [("doubt", wrong)]
