import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fencun.batch import read_jobs, write_batch
from fencun.errors import EngineError, FencunError
from fencun.files import read_jsonl, write_jsonl
from fencun.gates import Gates
from fencun.models.engine import Decoding, Message
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario
from fencun.writer import Writer


def some_rows(count: int) -> list[dict[str, str]]:
    return [
        {
            "id": f"b{number}",
            "salutation": f"老{number}",
            "relation": "发小",
            "detail": "一起爬过墙",
            "occasion": "除夕",
            "style": "幽默",
            "length": "短",
        }
        for number in range(count)
    ]


def some_answer(messages: Sequence[Message], decoding: Decoding) -> str:
    return f"{messages[-1]['content'].split()[0][3:]}，过年好，种子{decoding.seed}。"


async def run(scenario: Scenario, rows: Path, out: Path, **options: int) -> int:
    jobs, errors = read_jobs(rows, scenario)
    assert not errors
    writer = Writer(FakeEngine(some_answer), Gates(scenario))
    settings = {"keep": 2, "draws": 3, "seed": 1, **options}
    return await write_batch(writer, jobs, out, arm="bare", **settings)


async def test_every_brief_is_answered_once(scenario: Scenario, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", some_rows(9))
    assert await run(scenario, tmp_path / "in.jsonl", tmp_path / "out.jsonl", parallel=4) == 9
    rows = [row for _, row in read_jsonl(tmp_path / "out.jsonl")]
    assert sorted(row["id"] for row in rows) == sorted(f"b{n}" for n in range(9))
    assert {row["arm"] for row in rows} == {"bare"}
    for row in rows:
        first = row["candidates"][0]
        assert first["text"].startswith(f"老{row['id'][1:]}，")
        assert isinstance(first["gates"], list)


async def test_going_on_writes_only_what_is_missing_and_writes_the_same(
    scenario: Scenario, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "in.jsonl", some_rows(6))
    await run(scenario, tmp_path / "in.jsonl", tmp_path / "whole.jsonl")
    whole = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    part = tmp_path / "part.jsonl"
    part.write_text("".join(whole[:2]) + whole[2][:40])
    assert await run(scenario, tmp_path / "in.jsonl", part) == 4
    assert sorted(part.read_text().splitlines(keepends=True)) == sorted(whole)


async def test_answers_of_another_arm_are_not_mixed(scenario: Scenario, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", some_rows(1))
    write_jsonl(tmp_path / "out.jsonl", [{"id": "b0", "arm": "prompt", "candidates": []}])
    with pytest.raises(FencunError, match="换一个 --out"):
        await run(scenario, tmp_path / "in.jsonl", tmp_path / "out.jsonl")


async def test_a_dead_engine_keeps_what_was_written(scenario: Scenario, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", some_rows(4))
    jobs, _ = read_jobs(tmp_path / "in.jsonl", scenario)

    def dies(messages: Sequence[Message], decoding: Decoding) -> str | FencunError:
        if "老2" in messages[-1]["content"]:
            return EngineError("死了", "died")
        return some_answer(messages, decoding)

    writer = Writer(FakeEngine(dies), Gates(scenario))
    with pytest.raises(EngineError):
        await write_batch(
            writer, jobs, tmp_path / "out.jsonl", arm="bare", keep=1, draws=1, seed=1, parallel=1
        )
    assert [row["id"] for _, row in read_jsonl(tmp_path / "out.jsonl")] == ["b0", "b1"]


def test_bad_lines_are_named_and_the_rest_is_kept(scenario: Scenario, tmp_path: Path) -> None:
    rows = some_rows(3)
    lines = [
        json.dumps(rows[0]),
        "{broken",
        json.dumps({**rows[1], "relation": "火星人"}),
        json.dumps({**rows[1], "id": "b0"}),
        json.dumps({**rows[1], "id": ""}),
        json.dumps({**rows[2], "id": 7}),
    ]
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(lines))
    jobs, errors = read_jobs(path, scenario)
    assert [job.id for job in jobs] == ["b0", "7"]
    assert [error.line for error in errors] == [2, 3, 4, 5]
    assert "火星人" in str(errors[1])
    assert "第 1 行重复" in str(errors[2])


_WRITE_SLOWLY = """
import asyncio, sys
from pathlib import Path
from fencun.batch import read_jobs, write_batch
from fencun.gates import Gates
from fencun.models.fake import FakeEngine
from fencun.scenario import load_scenario
from fencun.writer import Writer
scenario = load_scenario("spring_festival")
jobs, _ = read_jobs(Path(sys.argv[1]), scenario)
writer = Writer(FakeEngine(("老友，过年好。",), delay_s=0.002), Gates(scenario))
asyncio.run(write_batch(writer, jobs, Path(sys.argv[2]), arm="bare", keep=1, draws=2, seed=1))
"""


def test_a_killed_batch_goes_on_without_writing_a_line_twice(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write_jsonl(source, some_rows(60))
    command = [sys.executable, "-c", _WRITE_SLOWLY, str(source), str(out)]
    for wanted in (5, 20):
        process = subprocess.Popen(command)
        while not out.exists() or out.read_bytes().count(b"\n") < wanted:
            assert process.poll() is None, "the batch ended before it was killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True)
    identities = [row["id"] for _, row in read_jsonl(out)]
    assert len(identities) == len(set(identities)) == 60
