"""What tests of probes share: arms that answer differently, and their frozen study."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from evaluate_study import Engines, make_adapter, make_model, make_scenario

from fencun.evaluate import probing
from fencun.evaluate.run import run
from fencun.evaluate.study import Study
from fencun.models.engine import Decoding, Message
from fencun.models.fake import Answer as Said

EVERYDAY = {everyday.ask: everyday for everyday in probing.declared().canary}


def speak(messages: Sequence[Message], decoding: Decoding) -> Said:
    """The tuned voice is short and plain, the base says nothing that passes."""
    asked = messages[-1]["content"]
    if asked in EVERYDAY:
        return "北京" if decoding.adapter_scale else "东京 56 I like reading"
    if not decoding.adapter_scale:
        return "值此新春之际，祝您万事如意、阖家欢乐、心想事成！"
    who = asked.split("称呼：", 1)[-1].split("\n", 1)[0]
    return f"{who}，过年好，第{decoding.seed % 100}锅汤刚炖上，热气扑了一窗户，先给你盛。"


async def probed_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    base = make_model(tmp_path / "base.gguf")
    monkeypatch.setenv("FENCUN_MODEL", str(base))
    adapter = make_adapter(tmp_path / "adapter", base)
    scenario = make_scenario(tmp_path / "scene", test=12)
    return await run(
        scenario, arms="bare,prompt,tuned", adapter=str(adapter), out="s", opener=Engines(speak)
    )
