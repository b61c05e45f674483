from pathlib import Path

import pytest

from fencun.brief import parse_brief
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.files import sha256_json
from fencun.prompt import engineered, messages, parse_arm
from fencun.retrieval import Example
from fencun.scenario import Advice, Scenario

_PROMPTS = {
    "bare": "71206d1ce5ae2499f1b1353e368e3ccc10ed4be6e412b7c85696a63256193602",
    "prompt": "a16cf00ae562fda7d0a2e70fd166c07bba3bad521f55d86eb61fafa245c5b84a",
    "tuned": "71206d1ce5ae2499f1b1353e368e3ccc10ed4be6e412b7c85696a63256193602",
    "edit": "091ffe5491837ff3b95b7efbc8806557fc30afb5e1a71fdae4ef3e8365a247ab",
}
_THIRD_PERSONS = Path(__file__).parent / "data" / "third_persons.txt"


def test_bare_and_tuned_send_the_six_lines_alone(scenario: Scenario) -> None:
    brief = parse_brief(scenario, scenario.example)
    for arm in ("bare", "tuned"):
        (message,) = messages(brief, parse_arm(arm))
        assert message["role"] == "user"
        assert message["content"] == brief.lines()
    lines = brief.lines().splitlines()
    assert len(lines) == len(scenario.dimensions)
    assert lines[1] == "关系：老师导师（高中班主任）"


def test_the_prompt_arm_has_one_system_prompt_for_all_briefs(scenario: Scenario) -> None:
    briefs = [
        parse_brief(scenario, {**scenario.example, "relation": relation})
        for relation in ("父母", "客户")
    ]
    systems = {messages(brief, "prompt")[0]["content"] for brief in briefs}
    assert len(systems) == 1
    user = messages(briefs[1], "prompt")[-1]["content"]
    assert user.startswith(briefs[1].lines())
    assert "您" in user


def test_each_scenario_shows_its_own_worked_examples(scenario: Scenario) -> None:
    other = scenario.model_copy(update={"examples": scenario.examples[:1]})
    none = scenario.model_copy(update={"examples": ()})
    for asked in (scenario, other, none, scenario):
        told = messages(parse_brief(asked, asked.example), "prompt")
        assert [each["content"] for each in told if each["role"] == "assistant"] == [
            example["text"] for example in asked.examples
        ]
        told[1]["content"] = "what a caller does to its chat stays in it"


def test_an_unknown_arm_is_refused_by_name(scenario: Scenario) -> None:
    with pytest.raises(FencunError, match=r"rag.*bare、prompt、tuned"):
        parse_arm("rag")


@pytest.mark.parametrize("relation", ["客户", "老师导师", "发小死党"])
def test_third_persons_stay_as_they_were_typed(scenario: Scenario, relation: str) -> None:
    sentences = _THIRD_PERSONS.read_text(encoding="utf-8").splitlines()
    assert len(set(sentences)) >= 60
    for sentence in sentences:
        asked = {"salutation": "王老师", "relation": relation, "detail": sentence}
        told = engineered(parse_brief(scenario, asked))
        assert f"交往细节：{sentence}\n" in told


def test_what_is_advised_and_left_out_is_the_scenarios_to_say(scenario: Scenario) -> None:
    asked = {"salutation": "大鹏", "relation": "发小", "detail": "他去年离婚，他俩常去江边钓鱼"}
    brief = parse_brief(scenario, asked)
    assert "交往细节：他俩常去江边钓鱼\n" in engineered(brief)
    assert scenario.advice.hushed in engineered(brief)
    silent = scenario.model_copy(update={"advice": Advice()})
    told = engineered(parse_brief(silent, asked))
    assert "交往细节：他去年离婚，他俩常去江边钓鱼\n" in told
    for said in (scenario.advice.hushed, scenario.advice.detail):
        assert said
        assert said not in told


def edit(scenario: Scenario, detail: str) -> str:
    asked = {"salutation": "大鹏", "relation": "发小", "detail": detail}
    (message,) = messages(parse_brief(scenario, asked), "edit")
    (line,) = [row for row in message["content"].splitlines() if row.startswith("交往细节：")]
    return line.removeprefix("交往细节：")


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("姥姥秋天走了，我妈照样天天出早市卖菜，一句不提", "我妈照样天天出早市卖菜"),
        (
            "堂哥前年跟我借了钱一直没还，今年见了我总绕着走，我俩从小一块儿钓鱼",
            "我俩从小一块儿钓鱼",
        ),
        ("她话少，一个人看店，我俩从小一块儿钓鱼", "她话少，一个人看店，我俩从小一块儿钓鱼"),
        ("他四十三了，年前被裁，还没跟家里说，每天照常拎包出门", "他四十三了"),
        ("老婆跑了 带走了存折 孩子他一个人带", "无"),
        ("官司我们输了 他们公司赔了不少 他还在跟我们合作", "他还在跟我们合作"),
        ("老楊父親剛走，一起釣過魚，他教我打窩", "他教我打窩"),
        ("我考研没上，他请我吃了顿饭", "我考研没上，他请我吃了顿饭"),
        ("一起跑步三年", "一起跑步三年"),
    ],
)
def test_what_must_stay_unsaid_a_small_model_does_not_read(
    scenario: Scenario, detail: str, told: str
) -> None:
    assert edit(scenario, detail) == told


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("评职称我替他说过话 别显得邀功", "评职称我替他说过话"),
        ("我家水管半夜爆了，是他给修好的，千万别太肉麻", "我家水管半夜爆了，是他给修好的"),
        ("去年货款拖了他俩月 他今年还送我茶 别提货款", "他今年还送我茶"),
        ("我离职那天她塞给我一张卡片 我哭了 别说我哭了", "我离职那天她塞给我一张卡片"),
        ("他一个人守着老店，教过我修表，别提钱", "他一个人守着老店，教过我修表"),
        ("他借過我錢周轉 我倆一起釣魚 別提錢", "我倆一起釣魚"),
        ("别的供货商都去堵门，就他说钱不急", "别的供货商都去堵门，就他说钱不急"),
        ("她总跟我说别怕，慢慢来", "她总跟我说别怕，慢慢来"),
    ],
)
def test_what_is_said_to_the_writer_a_small_model_does_not_read(
    scenario: Scenario, detail: str, told: str
) -> None:
    assert edit(scenario, detail) == told


def test_the_shipped_adapter_is_told_what_it_was_trained_on(scenario: Scenario) -> None:
    """The prompts of the 78 test briefs, byte for byte: other words ask for another adapter.

    What must stay unsaid it was told in training, and is not told now: see ``as_facts``.
    """
    samples = read_samples(scenario.folder / "study" / "briefs.jsonl", scenario)
    examples = [
        Example(sample.id, sample.family, sample.brief, sample.text) for sample in samples[:3]
    ]
    assert len(samples) == 78
    for arm, expected in _PROMPTS.items():
        told = [
            messages(parse_brief(scenario, sample.brief), parse_arm(arm), examples)
            for sample in samples
        ]
        assert sha256_json(told) == expected, arm
