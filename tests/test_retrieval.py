"""The written lines nearest to a brief."""

from pathlib import Path

import pytest

from fencun.brief import Brief, parse_brief
from fencun.retrieval import Example, Retriever, open_retriever
from fencun.scenario import Scenario


def brief(scenario: Scenario, detail: str, **others: str) -> Brief:
    return parse_brief(
        scenario, {"salutation": "老魏", "relation": "同学室友", **others, "detail": detail}
    )


def example(name: str, detail: str, **others: str) -> Example:
    values = {
        "salutation": "老魏", "relation": "同学室友", "detail": detail, "occasion": "除夕",
        "style": "真诚走心", "length": "短", **others,
    }  # fmt: skip
    return Example(name, others.get("family", name), values, f"{name} 的正文")


@pytest.fixture(scope="module")
def shipped(scenario: Scenario) -> Retriever:
    found = open_retriever(scenario)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("detail", "nearest"),
    [("教过我开车", "he"), ("我教过他开车", "me"), ("以前教我开过货车", "he"), ("", "none")],
)
def test_who_did_it_for_whom_decides_between_like_details(
    scenario: Scenario, detail: str, nearest: str
) -> None:
    lines = [
        example("me", "我教他开车"), example("he", "他教我开车"), example("none", ""),
        example("other", "一起合租两年"),
    ]  # fmt: skip
    retriever = Retriever(scenario, lines)
    assert retriever.nearest(brief(scenario, detail), 1)[0].id == nearest


def test_one_of_a_family_and_none_of_those_left_out(scenario: Scenario) -> None:
    lines = [example(name, "教我开车", family=name[0]) for name in ("a1", "a2", "b1", "c1")]
    asked = brief(scenario, "教我开车")
    retriever = Retriever(scenario, lines)
    assert [e.id for e in retriever.nearest(asked, 9)] == ["a1", "b1", "c1"]
    assert [e.id for e in retriever.nearest(asked, 9, without={"a"})] == ["b1", "c1"]


def test_a_line_of_the_same_relation_and_length_comes_before_one_of_another(
    scenario: Scenario,
) -> None:
    lines = [
        example("boss", "帮我改方案", relation="直属领导"),
        example("long", "帮我改方案", length="长"),
        example("same", "帮我改方案"),
    ]
    found = Retriever(scenario, lines).nearest(brief(scenario, "帮我改方案", length="短"), 3)
    assert found[0].id == "same"


def test_of_lines_of_another_relation_one_addressed_alike_comes_first(scenario: Scenario) -> None:
    lines = [
        example("您", "帮我改方案", relation="直属领导"),
        example("你", "帮我改方案", relation="发小死党"),
        example("none", "帮我改方案", relation="外星人"),
    ]
    found = Retriever(scenario, lines).nearest(brief(scenario, "帮我改方案"), 3)
    assert [e.id for e in found] == ["你", "您", "none"]


def test_of_the_shipped_lines_a_near_one_is_found_for_what_people_type(
    scenario: Scenario, shipped: Retriever
) -> None:
    near = shipped.nearest(brief(scenario, "帮我带过饭", occasion="除夕"), 3)
    assert all("饭" in e.values["detail"] or "帮我" in e.values["detail"] for e in near)


@pytest.mark.parametrize(
    ("text", "borrowed"),
    [
        ("姥爷，元宵好。有空咱俩再钓，您教我调漂。", ["教我调漂"]),
        ("姥爷，元宵好。钓鱼是您教我的，我到现在还空手回家。", []),
        ("姥爷，元宵好。祝您身体好，有空我去看您。", []),
        ("姥爷，元宵好。也给大头叔叔拜年。", ["大头叔叔"]),
    ],
)
def test_a_fact_of_the_lines_shown_is_told_from_a_turn_of_phrase(
    scenario: Scenario, shipped: Retriever, text: str, borrowed: list[str]
) -> None:
    asked = brief(scenario, "钓鱼是他教我的 可我老空手", salutation="姥爷", relation="外公")
    lines = [example("near", "钓鱼认识的 他教我调漂 我老空手", salutation="大头叔叔")]
    found = shipped.borrowed(text, asked, lines)
    assert [text[start:end] for start, end in found] == borrowed


def test_a_scenario_without_lines_has_no_retriever(scenario: Scenario, tmp_path: Path) -> None:
    assert open_retriever(scenario.model_copy(update={"folder": tmp_path})) is None


def test_lines_that_are_only_shown_are_found_too(scenario: Scenario, tmp_path: Path) -> None:
    plain = scenario.folder / "plain"
    (tmp_path / "plain").mkdir()
    for name in ("train", "shown"):
        first = (plain / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[0]
        (tmp_path / "plain" / f"{name}.jsonl").write_text(f"{first}\n", encoding="utf-8")
    found = open_retriever(scenario.model_copy(update={"folder": tmp_path}))
    assert found is not None
    near = found.nearest(brief(scenario, "", salutation="爸妈", relation="父母"), 2)
    assert {example.id for example in near} == {"c0001", "c2114"}
