"""Texts to be read, from wherever they lie: each with its brief and its place."""

from pathlib import Path
from typing import Any

import pytest
from evaluate_study import answered_study
from reading_case import ASKED, GRIEF, gates

from fencun.errors import FencunError
from fencun.evaluate.texts import Gathering, gather
from fencun.files import write_jsonl
from fencun.scenario import Scenario


def test_every_shape_of_answers_gives_its_brief_and_its_place(
    answers: Gathering, tmp_path: Path, scenario: Scenario
) -> None:
    shared = next(text for text in answers.texts if text.text == "甲三。")
    assert [(p.arm, p.place) for p in shared.shown] == [("tuned", 2), ("rag", 1)]
    assert len(answers.texts) == 7
    assert {text.asked.topic for text in answers.texts if text.asked.id == "2"} != {""}
    flat, nested = tmp_path / "flat.jsonl", tmp_path / "nested.jsonl"
    write_jsonl(flat, [{"id": "9", **ASKED, "text": "一。"}, {"id": "9", **ASKED, "text": "二。"}])
    words = {"length": "50字以内"}
    write_jsonl(
        nested, [{"id": "9", "brief": ASKED, "words": words, "candidates": [gates("三。")]}]
    )
    found = gather(scenario, [("new", flat), ("", nested)])
    assert [(t.shown[0].arm, t.shown[0].place) for t in found.texts] == [
        ("new", 1), ("new", 2), ("nested", 1)
    ]  # fmt: skip
    assert "50字以内" in found.texts[2].asked.brief.lines()


async def test_a_study_gives_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = await answered_study(tmp_path, monkeypatch)
    found = gather(study.scenario, [], studies=[study])
    assert {p.arm for text in found.texts for p in text.shown} == {"bare", "prompt", "tuned"}
    assert sum(len(text.shown) for text in found.texts) == len(study.answers())


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"id": "7", "text": "好"}, "--briefs"),
        ({**ASKED, "text": "好"}, "没有 id"),
        ({"id": "7", **ASKED}, "没有 text"),
        ({"id": "7", **ASKED, "candidates": [{"passed": True}]}, "没有 text"),
        ({"id": "7", **ASKED, "occasion": "乔迁", "text": "好"}, "场合"),
        ({"id": "7", **ASKED, "text": "  "}, "没有可读的文字"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(
    row: dict[str, Any], told: str, tmp_path: Path, scenario: Scenario
) -> None:
    path = tmp_path / "a.jsonl"
    write_jsonl(path, [row])
    with pytest.raises(FencunError, match=told):
        gather(scenario, [("", path)])


def test_one_id_of_two_briefs_is_refused(tmp_path: Path, scenario: Scenario) -> None:
    path = tmp_path / "briefs.jsonl"
    write_jsonl(path, [{"id": "1", **ASKED}, {"id": "1", **GRIEF}])
    with pytest.raises(FencunError, match="第 2 行的 id 1"):
        gather(scenario, [], [path])
