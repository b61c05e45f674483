"""What a person took of a draft, and nothing else, becomes a scenario."""

from pathlib import Path

import pytest
from draft_case import MESSAGES, answer

from fencun.author.accept import build, read_draft, write_draft
from fencun.author.draft import Proposal, propose
from fencun.brief import parse_brief
from fencun.errors import FencunError
from fencun.models.fake import FakeEngine
from fencun.scenario import load_scenario

FIELD = Proposal("dimension", "怎么处理", {"label": "怎么处理", "choices": ["今天", "明天"]})
ENTRY = "- take: {take}\n  kind: {kind}\n  title: 抱歉\n  declared: {declared}\n"


def entry(path: Path, **changes: str) -> Path:
    told = {"take": "yes", "kind": "cliche", "declared": "{pattern: 抱歉}", **changes}
    path.write_text(ENTRY.format(**told), encoding="utf-8")
    return path


async def test_only_what_was_taken_becomes_the_scenario(tmp_path: Path) -> None:
    drafted = await propose(MESSAGES, FakeEngine(answer))
    path = tmp_path / "mine.draft.yaml"
    write_draft(path, "mine", [(one, "later") for one in drafted.proposals])
    text = path.read_text(encoding="utf-8")
    assert "take: later" in text
    path.write_text(text.replace("take: later", "take: yes", 2), encoding="utf-8")
    decided = read_draft(path)
    assert [one for one, _ in decided] == drafted.proposals
    taken = [one for one, said in decided if said == "yes"]
    assert [one.kind for one in taken] == ["dimension", "length"]
    scenario = load_scenario(build("mine", taken, title="回差评"))
    assert [d.name for d in scenario.dimensions] == ["to", "what", "remedy", "size"]
    assert (scenario.tact, scenario.rules.cliches) == ((), ())


def test_matters_and_phrases_that_were_taken_are_refused_by_the_gates_of_the_scenario() -> None:
    topic = Proposal("tact", "退款", {"name": "退款", "cues": ["退款"], "words": ["退款"]})
    phrase = Proposal("cliche", "万分抱歉", {"pattern": "万分抱歉"})
    scenario = load_scenario(build("mine", [FIELD, topic, phrase]))
    assert [t.name for t in scenario.topics_in("退款还没到")] == ["退款"]
    assert scenario.rules.cliches == ("万分抱歉",)
    brief = parse_brief(scenario, {"to": "小林", "what": "退款还没到", "field_a": "明天"})
    assert brief.values["field_a"] == "明天"


def test_fields_get_names_of_their_own() -> None:
    """A model may name two fields alike, name one as we would, or none of thirty."""
    named = [Proposal("dimension", "甲", {**FIELD.declared, "name": n}) for n in ("field_b", "to")]
    scenario = load_scenario(build("mine", [*named, *[FIELD] * 30]))
    names = [dimension.name for dimension in scenario.dimensions]
    assert names[:5] == ["to", "what", "field_b", "field_a", "field_c"]
    assert (len(set(names)), names[-1]) == (34, "field_ff")


@pytest.mark.parametrize(
    ("take", "said"), [("yes", "yes"), ("no", "no"), ("later", "later"), ("'yes'", "yes")]
)
def test_an_answer_is_read_as_people_write_it(tmp_path: Path, take: str, said: str) -> None:
    """YAML takes a bare yes and no for true and false."""
    ((proposal, answered),) = read_draft(entry(tmp_path / "d.yaml", take=take))
    assert (proposal.declared, answered) == ({"pattern": "抱歉"}, said)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"take": "maybe"}, "第 1 条（抱歉）的 take 要写 yes、no 或 later"),
        ({"take": "[yes]"}, "第 1 条（抱歉）的 take 要写 yes、no 或 later"),
        ({"take": "1"}, "第 1 条（抱歉）的 take 要写 yes、no 或 later"),
        ({"kind": "cliché"}, "第 1 条（抱歉）的 kind 只能是 dimension、length、cliche、tact"),
        ({"declared": "抱歉"}, "第 1 条（抱歉）的 declared 要写成“名: 值”"),
        ({"declared": "{phrase: 抱歉}"}, "第 1 条（抱歉）的 declared 少了 pattern"),
    ],
)  # fmt: skip
def test_an_entry_that_was_broken_is_named(
    tmp_path: Path, changes: dict[str, str], says: str
) -> None:
    with pytest.raises(FencunError) as raised:
        read_draft(entry(tmp_path / "d.yaml", **changes))
    assert says in raised.value.zh


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 抱歉\n", "第 1 条不是提议"),
        ("- {take: yes, titel: 抱歉}\n", "第 1 条不是提议"),
        ("take: yes\ntitle: 抱歉\n", "每条要以 - 打头"),
        ("- [", "读不了"),
    ],
)
def test_a_file_that_is_no_draft_is_told(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "d.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FencunError, match=says):
        read_draft(path)
    with pytest.raises(FencunError, match="读不了"):
        read_draft(tmp_path / "nowhere.yaml")


def test_nothing_is_taken_of_an_empty_draft_and_a_name_that_is_taken_is_left_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "d.yaml").write_text("# 一条也没有\n", encoding="utf-8")
    assert read_draft(tmp_path / "d.yaml") == []
    folder = build("mine", [])
    before = (folder / "scenario.yaml").read_bytes()
    assert [d.name for d in load_scenario("mine").dimensions] == ["to", "what"]
    with pytest.raises(FencunError, match="已经有一个叫 mine"):
        build("mine", [FIELD])
    assert (folder / "scenario.yaml").read_bytes() == before
