"""A study is frozen when it is whole, and its own test briefs are their fields alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from evaluate_study import Engines, make_model, make_scenario, speak

from fencun.errors import EngineError, FencunError
from fencun.evaluate.find import find_study
from fencun.evaluate.probe_summary import Examiner
from fencun.evaluate.run import run
from fencun.evaluate.study import Study
from fencun.scenario import Scenario


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.setenv("FENCUN_MODEL", str(make_model(tmp_path / "base.gguf")))
    return make_scenario(tmp_path / "scene")


async def test_what_failed_is_asked_again_and_frozen_only_by_an_explicit_word(
    scenario: Scenario,
) -> None:
    broken, asked = True, list[str]()

    def fails(messages, decoding):  # type: ignore[no-untyped-def]
        if messages[0]["role"] == "system":
            asked.append("prompt")
            return EngineError("引擎坏了", "broken") if broken else speak(messages, decoding)
        asked.append("bare")
        return speak(messages, decoding)

    async def again(**options: Any) -> Study:
        return await run(scenario, arms="bare,prompt", out="half", opener=Engines(fails), **options)

    with pytest.raises(FencunError, match=r"prompt 12 条.*引擎坏了.*--incomplete"):
        await again()
    study = find_study("half")
    assert not study.frozen
    by_arm = study.by_arm()
    assert all(not answer.failed for answer in by_arm["bare"].values())
    assert all(answer.error == "引擎坏了" for answer in by_arm["prompt"].values())
    broken = False
    asked.clear()
    assert (await again()).frozen
    assert set(asked) == {"prompt"}
    manifest = json.loads((study.folder / "manifest.json").read_bytes())
    assert "missing" not in manifest


async def test_an_incomplete_study_says_what_is_missing(scenario: Scenario) -> None:
    def fails(messages, decoding):  # type: ignore[no-untyped-def]
        if messages[0]["role"] == "system":
            return EngineError("引擎坏了", "broken")
        return speak(messages, decoding)

    opener = Engines(fails)
    study = await run(scenario, arms="bare,prompt", out="most", opener=opener, incomplete=True)
    assert study.frozen
    manifest = json.loads((study.folder / "manifest.json").read_bytes())
    assert set(manifest["missing"]) == {"prompt"}
    assert len(manifest["missing"]["prompt"]) == 12


async def test_own_test_briefs_are_their_dimensions_and_nothing_else(
    scenario: Scenario, tmp_path: Path
) -> None:
    asked = tmp_path / "mine.jsonl"
    typed = {
        "salutation": "王老师",
        "relation": "高中班主任",
        "detail": "她教我写诗",
        "length": "50字以内",
    }
    asked.write_text(
        "".join(json.dumps(typed | {"salutation": n}) + "\n" for n in ("王老师", "李老师")), "utf-8"
    )
    study = await run(scenario, arms="bare,prompt", briefs=str(asked), out="mine", opener=Engines())
    first, second = study.briefs()
    assert (first.id, second.brief["salutation"], first.text) == ("q001", "李老师", "")
    assert study.parsed_briefs()["q001"].words["relation"] == "高中班主任"
    measured = Examiner(study).measure("bare", list(study.by_arm()["bare"].values()), [])
    assert (measured.bleu, measured.rouge) == (None, None)
    asked.write_text(json.dumps({**typed, "parent": "s1"}), "utf-8")
    with pytest.raises(FencunError, match=r"mine\.jsonl 第 1 行：没有“parent”这一项"):
        await run(scenario, arms="bare,prompt", briefs=str(asked), out="x", opener=Engines())
