from pathlib import Path

import pytest
import yaml
from gate_case import asked, marked

from fencun.brief import parse_brief
from fencun.errors import ScenarioError
from fencun.gates import Gates
from fencun.gates.rule import RuleGate
from fencun.scenario import Scenario, load_scenario

_TINY = Path(__file__).parent / "data" / "tiny_scenario" / "scenario.yaml"
_ASKED = {"complaint": "送餐晚了，花了300元，汤也洒了", "remedy": "不能给补偿", "fault": "我们的错"}


def declared(**rules: object) -> dict[str, object]:
    base: dict[str, object] = yaml.safe_load(_TINY.read_text(encoding="utf-8"))
    remedies = [{"value": v, "en": v} for v in ("不能给补偿", "可以退款")]
    faults = [{"value": v, "en": v, "spoken": v == "我们的错"} for v in ("我们的错", "客人的误会")]
    dimensions = [
        {"name": "complaint", "label": "投诉", "en": "Complaint", "kind": "text", "role": "detail"},
        {"name": "remedy", "label": "补偿", "en": "Remedy", "kind": "choice", "choices": remedies},
        {"name": "fault", "label": "谁的错", "en": "Fault", "kind": "choice", "choices": faults},
    ]
    plain = {"dimensions": dimensions, "tact": [], "examples": [], "example": {}, "prompt": ""}
    return {**base, **plain, "rules": rules}


def loaded(folder: Path, **rules: object) -> Scenario:
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump(declared(**rules), allow_unicode=True), encoding="utf-8")
    return load_scenario(path)


@pytest.fixture(scope="module")
def reply(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return loaded(
        tmp_path_factory.mktemp("reply"),
        insults=["混蛋"],
        cases=[
            {"when": {"remedy": "不能给补偿"}, "refuse": ["退款", "赔"], "no_amounts": True,
             "why": "没有补偿的权限", "why_en": "no remedy may be offered"},
            {"when": {"fault": ["我们的错"]}, "require": ["抱歉|对不起"]},
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("对不起，全额退款给您。", ["退款", "全额"]),
        ("对不起，送您五百元券。", ["五百元"]),
        ("对不起，送您500元券。", ["500元"]),
        ("对不起，补您￥50。", ["￥50"]),
        ("对不起，下次给您八折。", ["八折"]),
        ("对不起，给您百分之二十的优惠。", ["百分之二十"]),
        ("对不起，下次半价。", ["半价"]),
        ("对不起，送您一百块的券。", ["一百块"]),
        ("对不起，您这混蛋。", ["混蛋"]),
        ("下次一定送快些。", [""]),
    ],
)
def test_what_the_case_forbids_or_demands(reply: Scenario, text: str, wrong: list[str]) -> None:
    found = marked(RuleGate(reply), text, parse_brief(reply, _ASKED))
    assert found == [("fault", words) for words in wrong]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({}, "对不起，您花的三百元没吃上一口热汤，下次我们盖紧。"),
        ({}, "对不起，咱们一块想办法，路上一波三折，汤洒了。"),
        ({"remedy": "可以退款"}, "抱歉，三百元全额退款，再送您五十元券。"),
        ({"fault": "客人的误会"}, "汤是另配的，袋子里有一张条子，您看看。"),
    ],
)
def test_what_stands(reply: Scenario, changed: dict[str, str], text: str) -> None:
    assert marked(RuleGate(reply), text, parse_brief(reply, {**_ASKED, **changed})) == []


def test_why_is_told(reply: Scenario) -> None:
    (finding,) = RuleGate(reply).check("对不起，赔您。", parse_brief(reply, _ASKED))
    assert finding.zh == "不能说“赔”：没有补偿的权限。"
    assert finding.en == "Not '赔': no remedy may be offered."


def test_an_options_ordinary_words_are_no_leak(reply: Scenario) -> None:
    said = "对不起，这是我们的错，汤洒了。"
    assert Gates(reply).check(said, parse_brief(reply, _ASKED)) == []
    other = parse_brief(reply, {**_ASKED, "fault": "客人的误会"})
    assert [f.gate for f in Gates(reply).check("这是客人的误会。", other)] == ["leak"]


def test_insults_are_refused_in_the_shipped_scenario(scenario: Scenario) -> None:
    brief = asked(scenario)
    assert marked(RuleGate(scenario), "王老师，您真是个混蛋。", brief) == [("fault", "混蛋")]


@pytest.mark.parametrize(
    ("when", "says"),
    [({"mood": "好"}, "mood"), ({"remedy": "送花"}, "送花"), ({"complaint": "慢"}, "complaint")],
)
def test_a_case_names_what_there_is(tmp_path: Path, when: dict[str, str], says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        loaded(tmp_path, cases=[{"when": when, "refuse": ["退"]}])
