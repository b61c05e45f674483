import pytest
from gate_case import asked, marked

from fencun.gates.person import PersonGate
from fencun.scenario import Scenario


@pytest.mark.parametrize(
    ("salutation", "relation", "text"),
    [
        ("王老师", "老师导师", "王老师，您讲的数列我还记得。"),
        ("王老师", "老师导师", "王老师，您那句“你别急，再想一步”我还用着。"),
        ("王老师", "老师导师", "王老师，您总说你别急再想一步，我还用着。"),
        ("三姨", "亲戚长辈", "三姨，您那支舞把我妈也招走了，几点开饭全看你们几点散场。"),
        ("老周", "发小死党", "老周，你欠我的鞋呢。"),
        ("张叔", "普通朋友", "张叔，给您拜年。"),
        ("陈师傅", "下属团队", "陈师傅，您歇着。"),
        ("妈", "父母", "妈，你少提点菜。"),
        ("各位", "群体", "各位，你们吃好，您二位坐着。"),
    ],
)
def test_right_lines_pass(scenario: Scenario, salutation: str, relation: str, text: str) -> None:
    brief = asked(scenario, salutation=salutation, relation=relation)
    faults = [f for f in marked(PersonGate(), text, brief) if f[0] == "fault"]
    assert faults == []


@pytest.mark.parametrize(
    ("salutation", "relation", "text", "wrong"),
    [
        ("王老师", "老师导师", "王老师，你讲的数列我还记得。", [("fault", "你")]),
        ("王老师", "老师导师", "王老师，您好，祝你安好。", [("fault", "你")]),
        ("老婆", "配偶", "老婆，您辛苦了。", [("fault", "您")]),
        ("大壮", "发小死党", "大壮，您的鞋找着了。", [("fault", "您")]),
        ("李总", "合作伙伴", "李总，给你拜年。", [("doubt", "你")]),
        ("小赵", "前同事", "小赵，给您拜年。", [("doubt", "您")]),
    ],
)
def test_wrong_pronouns_are_found(
    scenario: Scenario, salutation: str, relation: str, text: str, wrong: list[tuple[str, str]]
) -> None:
    brief = asked(scenario, salutation=salutation, relation=relation)
    assert marked(PersonGate(), text, brief) == wrong
