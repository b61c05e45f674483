import pytest
from gate_case import asked, marked

from fencun.gates.favour import FavourGate
from fencun.scenario import Scenario


@pytest.mark.parametrize(
    "text",
    [
        "李总，两个项目能顺下来，您费的心我们都记着。年前就不多打扰了。",
        "大勇，红包拿去，给你那把锅铲发奖金！",
        "老公，这钱专门治犹豫，今天就下单。",
    ],
)
def test_thanks_and_jokes_pass(scenario: Scenario, text: str) -> None:
    assert marked(FavourGate(scenario), text, asked(scenario)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("李总，期待您的回复。", "期待您的回复"),
        ("李总，明年续约的事您多费心。", "续约"),
        ("李总，愿我们合作愉快。", "合作愉快"),
        ("李总，节后欢迎下单。", "欢迎下单"),
        ("主任，盼着您给我升职。", "升职"),
    ],
)
def test_asking_is_a_fault(scenario: Scenario, text: str, wrong: str) -> None:
    assert marked(FavourGate(scenario), text, asked(scenario)) == [("fault", wrong)]
