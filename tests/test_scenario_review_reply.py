"""The second shipped scenario: what it refuses, what its lines are."""

import pytest

from fencun.brief import parse_brief
from fencun.data.across import look_across
from fencun.data.lines import Line, read_lines
from fencun.data.targets import load_targets
from fencun.gates import Gates, passes
from fencun.gates.leak import LeakGate
from fencun.prompt import messages
from fencun.scenario import Scenario, load_scenario

_ASKED = {
    "platform": "外卖",
    "complaint": "等了一个半小时，打开全是凉的",
    "facts": "出餐慢了四十分钟",
    "fault": "我们的错",
    "remedy": "不能给补偿",
    "length": "10到200字",
}


@pytest.fixture(scope="module")
def reply() -> Scenario:
    return load_scenario("review_reply")


@pytest.fixture(scope="module")
def gates(reply: Scenario) -> Gates:
    return Gates(reply)


@pytest.fixture(scope="module")
def lines(reply: Scenario) -> list[Line]:
    reading = read_lines([reply.folder / "seeds.jsonl", reply.folder / "drafts.jsonl"], reply)
    assert not reading.bad
    return reading.lines


def refused(gates: Gates, text: str, **changed: str) -> list[str]:
    brief = parse_brief(load_scenario("review_reply"), {**_ASKED, **changed})
    return [finding.gate for finding in gates.check(text, brief) if finding.severity == "fault"]


_HONEST = "饭是我们出慢了，晚了四十分钟，送到您手里自然凉透。"


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (_HONEST, {}),
        (f"{_HONEST}这单没法给您退款。", {}),
        (f"{_HONEST}退一步说，也该打个电话。", {}),
        (f"{_HONEST}耽误的时间补不回来。", {}),
        (f"{_HONEST}送餐的路线重新排了。", {}),
        (f"{_HONEST}补上了一个打包的人。", {}),
        (f"{_HONEST}这单退给您。", {"remedy": "可退款"}),
        (f"{_HONEST}送您一张券。", {"remedy": "可送券"}),
        (f"{_HONEST}请到店里来，当面谈。", {"remedy": "可面谈"}),
        (f"{_HONEST}给您重新做一份送去。", {"remedy": "可补发重做"}),
        ("单子走到哪儿慢了，我们正在查。", {"fault": "还在查"}),
    ],
)
def test_what_may_be_said(gates: Gates, text: str, changed: dict[str, str]) -> None:
    assert refused(gates, text, **changed) == []


@pytest.mark.parametrize(
    ("text", "changed", "gate"),
    [
        (f"{_HONEST}给您申请退款。", {}, "rule"),
        (f"{_HONEST}不光退款，以后也早点送。", {}, "rule"),
        (f"{_HONEST}送您一张券。", {}, "rule"),
        (f"{_HONEST}下次来我请客。", {}, "rule"),
        (f"{_HONEST}给您重新做一份送去。", {}, "rule"),
        (f"{_HONEST}赔您这单。", {}, "rule"),
        (f"{_HONEST}给您申请个红包。", {}, "rule"),
        (f"{_HONEST}这顿算我们的。", {}, "rule"),
        (f"{_HONEST}我给您转二十。", {}, "rule"),
        (f"{_HONEST}这次的费用给您免了。", {}, "rule"),
        (f"{_HONEST}补您一份热的。", {}, "rule"),
        (f"{_HONEST}送您一份小菜。", {}, "rule"),
        (f"{_HONEST}一定补偿您。", {}, "rule"),
        (f"{_HONEST}我们承担您的损失。", {}, "rule"),
        (f"{_HONEST}这一单不收您钱。", {}, "rule"),
        (f"{_HONEST}赠您会员一个月。", {}, "rule"),
        (f"{_HONEST}退您五十元。", {"remedy": "可退款"}, "rule"),
        (f"{_HONEST}这单全额退给您。", {"remedy": "可退一部分", "facts": "全额不行"}, "rule"),
        (f"{_HONEST}退给您，再送一张券。", {"remedy": "可退款"}, "rule"),
        (_HONEST, {"remedy": "可退款"}, "rule"),
        (_HONEST, {"remedy": "可面谈"}, "rule"),
        ("送得慢，都怪我们，正在查。", {"fault": "还在查"}, "rule"),
        ("送得慢，绝对不是我们的事。", {"fault": "还在查"}, "rule"),
        ("送得慢，这是我们的错。", {"fault": "第三方"}, "rule"),
        ("是您误会了，饭送到的时候还热。", {"fault": "顾客误会"}, "rule"),
        ("饭凉了跟我们无关，是骑手晚了。", {"fault": "第三方"}, "rule"),
        (f"{_HONEST}再骂就曝光您。", {}, "rule"),
        (f"{_HONEST}您这是恶意差评。", {}, "rule"),
        (f"{_HONEST}别人都说好吃。", {}, "rule"),
        (f"{_HONEST}麻烦您把差评删掉，改成五星。", {}, "favour"),
        (f"亲，{_HONEST}", {}, "cliche"),
        (f"{_HONEST}给您带来不便，敬请谅解。", {}, "cliche"),
        (f"{_HONEST}祝您生活愉快！", {}, "cliche"),
        (f"{_HONEST}你等了一个半小时，打开全是凉的。", {}, "copying"),
        ("饭是我们出慢了，让你吃了凉的。", {}, "person"),
        ("您和前男友吵架那天，饭是我们出慢了。", {"complaint": "跟前男友吵架，饭还是凉的"}, "tact"),
    ],
)
def test_what_may_not(gates: Gates, text: str, changed: dict[str, str], gate: str) -> None:
    assert gate in refused(gates, text, **changed)


def test_the_worked_examples_are_good_but_for_being_examples(reply: Scenario, gates: Gates) -> None:
    for example in reply.examples:
        brief = parse_brief(reply, {k: v for k, v in example.items() if k != "text"}, strict=True)
        found = gates.check(example["text"], brief)
        assert {finding.gate for finding in found} == {LeakGate.name}, example["text"]


def test_nobody_needs_a_name(reply: Scenario) -> None:
    brief = parse_brief(reply, _ASKED)
    assert "顾客称呼：无" in brief.lines()
    assert "开头叫" not in messages(brief, "prompt")[-1]["content"]


def test_its_targets_name_what_there_is(reply: Scenario) -> None:
    assert load_targets(reply).shares


def test_every_line_passes_its_gates(gates: Gates, lines: list[Line]) -> None:
    wrong = [line.id for line in lines if not passes(gates.check(line.text, line.brief))]
    assert not wrong
    assert not look_across(lines)
