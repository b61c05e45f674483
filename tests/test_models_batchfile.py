"""Studies by way of a Batch service: handed out, brought back in any state."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from evaluate_study import make_adapter, make_model, make_scenario
from test_handover import result

from fencun.errors import EngineError
from fencun.evaluate.run import run
from fencun.evaluate.study import Study
from fencun.files import write_jsonl
from fencun.models.batchfile import BatchFile, WaitingError
from fencun.models.engine import Decoding, Message
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario

Row = dict[str, Any]
FAILED = {"response": None, "error": {"code": "server_error", "message": "out of memory"}}


def text_of(chat: Sequence[Message], decoding: Decoding) -> str:
    return f"老友，过年好，这是第{decoding.seed % 997}号，{len(chat)}句。"


def answered(request: Row) -> Row:
    """Return what a service that speaks as :func:`text_of` makes of a request."""
    body = request["body"]
    row = result(request)
    said = text_of(body["messages"], Decoding(seed=body["seed"]))
    row["response"]["body"]["choices"][0]["message"]["content"] = said
    return row


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.setenv("FENCUN_ENDPOINT", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "qwen3-8b")
    return make_scenario(tmp_path / "scene", test=5)


async def study_on(scene: Scenario, batch: BatchFile, name: str = "study") -> Study:
    return await run(scene, arms="bare,prompt", briefs="5", out=name, seed=7, opener=batch.open)


async def test_a_study_is_handed_out_and_comes_back_in_parts(
    scene: Scenario, tmp_path: Path
) -> None:
    batch = BatchFile("eval")
    assert not (await study_on(scene, batch)).frozen
    requests = batch.requests
    assert len({row["custom_id"] for row in requests}) == len(requests) == 10
    assert {row["body"]["model"] for row in requests} == {"qwen3-8b"}
    assert all(row["body"]["enable_thinking"] is False for row in requests)

    back = [answered(request) for request in requests]
    foreign = {**back[0], "custom_id": "00000000.eval.0000"}
    other = {**back[0], "custom_id": "tuned.1.0.0.x.b"}
    first = [*back[:6], {**back[6], **FAILED}, back[2], foreign, other]
    random.Random(1).shuffle(first)
    write_jsonl(tmp_path / "first.jsonl", first)
    batch = BatchFile("eval", [tmp_path / "first.jsonl"])
    study = await study_on(scene, batch)
    assert (study.frozen, len(list(study.answers())), batch.strange) == (False, 6, 1)
    assert [row["custom_id"] for row in batch.requests] == [r["custom_id"] for r in requests[6:]]
    assert sum(batch.refused.values()) == 2, "an error, and a line of something else"

    write_jsonl(tmp_path / "rest.jsonl", back[6:])
    study = await study_on(scene, BatchFile("eval", [tmp_path / "rest.jsonl"]))
    assert study.frozen
    live = await run(
        scene, arms="bare,prompt", briefs="5", out="live", seed=7,
        opener=lambda model, adapter: FakeEngine(text_of, name="qwen3-8b"),
    )  # fmt: skip
    spoken = [(a.arm, a.brief, a.text, a.seed, a.prompt, a.engine) for a in study.answers()]
    assert sorted(spoken) == sorted(
        (a.arm, a.brief, a.text, a.seed, a.prompt, a.engine) for a in live.answers()
    )


async def test_results_of_another_scenario_are_not_taken(scene: Scenario, tmp_path: Path) -> None:
    batch = BatchFile("eval")
    await study_on(scene, batch)
    write_jsonl(tmp_path / "back.jsonl", [answered(request) for request in batch.requests])
    other = make_scenario(tmp_path / "other", test=5)
    (other.folder / "prompt.md").write_text("你替人写春节祝福，说得像真人。", encoding="utf-8")
    batch = BatchFile("eval", [tmp_path / "back.jsonl"])
    await study_on(other, batch, "another")
    assert (len(batch.requests), batch.strange) == (5, 5), "what the prompt says is in the id"


def test_an_adapter_needs_the_name_that_the_service_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = make_model(tmp_path / "base.gguf")
    adapter = make_adapter(tmp_path / "adapter", base)
    with pytest.raises(EngineError, match="FENCUN_ENDPOINT_TUNED"):
        BatchFile("eval").open(str(base), adapter)
    monkeypatch.setenv("FENCUN_ENDPOINT_TUNED", "fencun")
    batch = BatchFile("eval")
    engine = batch.open(str(base), adapter)
    for scale in (0.0, 0.9):
        with pytest.raises(WaitingError):
            next_of(
                engine.complete([{"role": "user", "content": "好"}], Decoding(adapter_scale=scale))
            )
    assert [row["body"]["model"] for row in batch.requests] == [engine.name, "fencun"]


def next_of(coroutine: Any) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")
