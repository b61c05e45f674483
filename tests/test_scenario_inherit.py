"""What a child says wins; what it does not say is the parent's, where that still fits."""

from pathlib import Path

from fencun.scenario.inherit import inherited, rebased

PARENT = {
    "advice": {"detail": "多说细节", "hushed": "别提"},
    "dimensions": [
        {"name": "to", "label": "写给谁"},
        {"name": "tone", "label": "语气", "choices": [{"value": "正式", "note": "稳重"}, "随意"]},
    ],
    "rules": {"cliches": ["望批准", "特此"], "letter": True},
    "example": {"to": "张主任", "tone": "正式"},
}


def test_keys_of_a_mapping_are_put_together_at_any_depth() -> None:
    made = inherited(PARENT, {"advice": {"hushed": "一字不提"}, "rules": {"letter": False}})
    assert made["advice"] == {"detail": "多说细节", "hushed": "一字不提"}
    assert made["rules"] == {"cliches": ["望批准", "特此"], "letter": False}
    assert PARENT["advice"] == {"detail": "多说细节", "hushed": "别提"}  # and the parent is itself


def test_a_list_replaces_unless_it_says_where_the_rest_goes() -> None:
    def cliches(*said: str) -> list[str]:
        made: list[str] = inherited(PARENT, {"rules": {"cliches": list(said)}})["rules"]["cliches"]
        return made

    assert cliches("此致") == ["此致"]
    assert cliches() == []
    assert cliches("...", "此致") == ["望批准", "特此", "此致"]
    assert cliches("此致", "...") == ["此致", "望批准", "特此"]


def test_an_item_of_the_same_name_takes_over_what_it_does_not_say() -> None:
    tone = {"name": "tone", "choices": [{"value": "正式", "person": "您"}, "..."]}
    made = inherited(PARENT, {"dimensions": [tone, "..."]})
    assert [item["name"] for item in made["dimensions"]] == ["tone", "to"]  # once, where it stands
    assert made["dimensions"][0]["label"] == "语气"
    assert made["dimensions"][0]["choices"] == [
        {"value": "正式", "note": "稳重", "person": "您"},
        "随意",
    ]


def test_a_child_may_say_something_of_another_kind() -> None:
    """What was a mapping and is now a list, or the other way, is the child's alone."""
    made = inherited(PARENT, {"dimensions": {"to": "写给谁"}, "advice": ["x"], "prompt": "写。"})
    assert (made["dimensions"], made["advice"], made["prompt"]) == ({"to": "写给谁"}, ["x"], "写。")


def test_an_example_goes_where_a_field_of_it_is_gone() -> None:
    kept = inherited(PARENT, {"title": "便条"})
    assert kept["example"] == PARENT["example"]
    fewer = inherited(PARENT, {"dimensions": [{"name": "to"}]})
    assert "example" not in fewer
    assert inherited(PARENT, {"example": {"to": "妈妈"}})["example"] == {"to": "妈妈"}
    shown = {**PARENT, "examples": [{"to": "妈", "text": "妈，好。"}, "什么"]}
    assert "examples" not in inherited(shown, {})


def test_files_of_the_parent_are_found_from_the_child_and_its_names_are_its_own(
    tmp_path: Path,
) -> None:
    (tmp_path / "prompt.md").write_text("写。", encoding="utf-8")
    declared = {"name": "a", "title": "甲", "en": "A", "prompt": "prompt.md", "tact_model": "gone"}
    assert rebased(declared, tmp_path) == {
        "prompt": str(tmp_path / "prompt.md"),
        "tact_model": "gone",  # named as it is where it is missed
    }
    assert rebased({"prompt": "你替人写请假条。"}, tmp_path)["prompt"] == "你替人写请假条。"
    assert rebased({"prompt": ["x"], "tact_model": ""}, tmp_path)["prompt"] == ["x"]
