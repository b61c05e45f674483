import pytest
from gate_case import asked, data_rows, marked

from fencun.brief import caution, parse_brief
from fencun.errors import BriefError
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


@pytest.mark.parametrize(
    ("detail", "topic"),
    [
        ("女儿判给她妈了", "离婚分手"), ("他师傅年前刚走", "亲人去世"), ("分数没够", "考试失利"),
        ("四十岁被优化", "失业裁员"), ("铺子盘出去了", "对方经营困难"), ("复查不太好", "重病"),
        ("那笔钱一直没提", "欠钱借钱"), ("不是手艺不行 店还是 黄了", "对方经营困难"),
    ],
)  # fmt: skip
def test_matters_are_found_as_people_tell_them(scenario: Scenario, detail: str, topic: str) -> None:
    assert topic in {found.name for found in scenario.topics_in(detail)}


@pytest.mark.parametrize(
    "detail",
    ["走了三里路来看我", "店盘点到半夜", "孩子判作业的红笔", "医生是他同学", "分数不够换礼品",
     "《癌症楼》是他借我的", "优化代码熬了三宿", "借我半块橡皮"],
)  # fmt: skip
def test_what_only_looks_alike_is_innocent(scenario: Scenario, detail: str) -> None:
    assert scenario.topics_in(detail) == ()


def test_the_held_out_details_are_told_apart(scenario: Scenario) -> None:
    lines = data_rows("tact_details.jsonl")
    found = [bool(scenario.topics_in(str(line["detail"]))) for line in lines]
    tender = [hit for line, hit in zip(lines, found, strict=True) if line["topic"]]
    innocent = [hit for line, hit in zip(lines, found, strict=True) if not line["topic"]]
    assert (len(tender), len(innocent)) == (200, 200)
    assert sum(tender) >= 0.95 * len(tender)
    assert sum(innocent) <= 0.03 * len(innocent)


def test_a_text_that_names_in_other_words_is_marked_and_one_that_keeps_company_is_not(
    gate: TactGate, scenario: Scenario
) -> None:
    pairs = data_rows("tact_texts.jsonl")
    named = unnamed = 0
    for pair in pairs:
        brief = asked(scenario, salutation=str(pair["salutation"]), detail=str(pair["detail"]))
        named += bool(marked(gate, str(pair["named"]), brief))
        unnamed += bool(marked(gate, str(pair["unnamed"]), brief))
    assert len(pairs) == 80
    assert named >= 0.9 * len(pairs)
    assert unnamed <= 0.03 * len(pairs)


def test_what_would_betray_it_in_a_detail_names_it_in_a_text(
    gate: TactGate, scenario: Scenario
) -> None:
    brief = asked(scenario, detail="店盘出去了")
    assert marked(gate, "老王，店盘出去了也好，来喝酒。", brief)[0][0] == "fault"
    assert marked(gate, "老王，来我家喝酒，菜我炒。", brief) == []


def test_of_the_writers_own_matter_the_writer_may_speak_unless_it_is_a_secret(
    gate: TactGate, scenario: Scenario
) -> None:
    text = "王老师，我失恋那阵您天天陪我走路。"
    open_ = marked(gate, text, asked(scenario, detail="我失恋那阵她天天陪我走路"))
    assert {severity for severity, _ in open_} == {"doubt"}
    secret = marked(gate, text, asked(scenario, detail="我失恋了，没跟家里讲"))
    assert {severity for severity, _ in secret} == {"fault"}


def test_what_the_writer_wants_left_unsaid_is_a_fault(gate: TactGate, scenario: Scenario) -> None:
    brief = asked(scenario, detail="聚会我替他们订的位子 别提位子的事")
    assert marked(gate, "王老师，位子是我订的。", brief) == [("fault", "位子")]
    assert marked(gate, "王老师，跟您坐一桌我高兴。", brief) == []


def test_the_writer_may_have_it_said(gate: TactGate, scenario: Scenario) -> None:
    fields = {"salutation": "大鹏", "relation": "发小", "detail": _DIVORCED, "say_it": "1"}
    brief = parse_brief(scenario, fields)
    assert marked(gate, "大鹏，离婚没什么。", brief) == []
    assert brief.topics == ()
    assert "say_it" not in brief.values
    with pytest.raises(BriefError):
        parse_brief(scenario, {**fields, "relation": "发小死党"}, strict=True)


def test_the_writer_is_told_kindly_what_will_be_left_unsaid(scenario: Scenario) -> None:
    assert caution(scenario, _DIVORCED) == "细节里有离婚分手，不会点破。"
    both = caution(scenario, "他离了婚，我俩也吵过一架")
    assert both == "细节里有离婚分手，不会点破；有吵过架，只轻轻带过。"
    assert caution(scenario, "一起爬过山") == ""
