"""A small scenario folder with a dataset, and a study on a fake engine: parts for tests."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tiny_adapter import write_manifest, write_small

from fencun.evaluate.rules import VerdictRules, parse_rules, shipped_rules
from fencun.evaluate.run import run
from fencun.evaluate.study import Study
from fencun.files import sha256_json, write_jsonl
from fencun.home import scenarios_dir
from fencun.models.engine import Decoding, Engine, Message
from fencun.models.fake import Answer as Said
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario, load_scenario


def make_scenario(folder: Path, *, test: int = 12, train: int = 20) -> Scenario:
    """Copy the shipped scenario into ``folder`` with a dataset cut from its seeds."""
    source = scenarios_dir() / "spring_festival"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / "scenario.yaml", folder / "scenario.yaml")
    (folder / "tact").mkdir(exist_ok=True)
    shutil.copy(source / "tact" / "model.json", folder / "tact" / "model.json")
    (folder / "prompt.md").write_text("你替人写春节祝福，像真人说话。", encoding="utf-8")
    lines = (source / "seeds.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [sample_row(json.loads(line)) for line in lines]
    # Every 25th seed has another relation: the file is ordered by it.
    chosen = rows[::25][:test]
    rest = [row for row in rows if row not in chosen][:train]
    write_jsonl(folder / "dataset" / "test.jsonl", chosen)
    write_jsonl(folder / "dataset" / "train.jsonl", rest)
    return load_scenario(folder)


def sample_row(seed: dict[str, Any]) -> dict[str, Any]:
    """Return a line of seeds.jsonl as a line of a dataset."""
    brief = {key: value for key, value in seed.items() if key not in ("id", "text", "tact", "why")}
    return {
        **seed,
        "parent": None,
        "family": seed["id"],
        "generation": 0,
        "breeder": "hand",
        "run": None,
        "hash": sha256_json({"brief": brief, "text": seed["text"]}),
    }


def speak(messages: Sequence[Message], decoding: Decoding) -> Said:
    """Say something that differs by arm, brief and seed."""
    user = messages[-1]["content"]
    voice = "调" if decoding.adapter_scale else "底" if len(messages) == 1 else "提"
    who = user.split("称呼：", 1)[-1].split("\n", 1)[0]
    return f"{who}，过年好，{voice}{decoding.seed % 100}号灶上的汤给您留着。"


class Engines:
    """An opener that hands out fake engines and remembers them."""

    def __init__(self, script: Any = speak) -> None:
        self.script = script
        self.opened: list[tuple[str | None, Path | None, FakeEngine]] = []

    def __call__(self, model: str | None, adapter: Path | None) -> Engine:
        engine = FakeEngine(self.script, name="fake-model", has_adapter=adapter is not None)
        self.opened.append((model, adapter, engine))
        return engine


def make_adapter(folder: Path, base: Path) -> Path:
    """Write an adapter folder whose weights fit no model: they are looked at, not loaded."""
    folder.mkdir(parents=True)
    write_small(folder / "adapter.gguf")
    write_manifest(folder, base=str(base), scale=0.9)
    return folder


def make_model(path: Path) -> Path:
    """Write a file that begins like a model."""
    path.write_bytes(b"GGUF" + bytes(124))
    return path


async def answered_study(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    test: int = 24,
    name: str = "study",
    draws: int = 1,
) -> Study:
    """Return a frozen study of three arms, each with texts of its own, one of them tuned."""
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("FENCUN_MODEL", str(make_model(folder / "base.gguf")))
    scenario = make_scenario(folder / "scene", test=test)
    other = make_model(folder / "other.gguf")
    arms = folder / "arms.yaml"
    declared = [
        "bare",
        "prompt",
        {"name": "tuned", "style": "prompt", "role": "tuned", "model": str(other)},
    ]
    arms.write_text(json.dumps({"arms": declared}), encoding="utf-8")

    def opener(model: str | None, adapter: Path | None) -> Engine:
        voice = "汤" if model else "饺子"

        def script(messages: Sequence[Message], decoding: Decoding) -> Said:
            place = "灶上" if len(messages) == 1 else "锅里"
            return f"过年好，{place}的{voice}给您留着，第{decoding.seed % 1000}碗，回来趁热吃。"

        return FakeEngine(script, name="fake-model", has_adapter=adapter is not None)

    return await run(
        scenario, arms=str(arms), out=name, opener=opener, rules=small_rules(), draws=draws
    )


def small_rules() -> VerdictRules:
    """Return the shipped rules, planned for few votes on few briefs."""
    declared = shipped_rules().model_dump(mode="json")
    declared["plan"]["votes"] = {"3": {"24": 140}}
    declared["rules"]["briefs"]["at"] = 20
    return parse_rules(declared)


def study_now(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "study") -> Study:
    """:func:`answered_study` for tests whose thread has an event loop already (Playwright's)."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(
            lambda: asyncio.run(answered_study(folder, monkeypatch, name=name))
        ).result()
