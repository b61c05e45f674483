"""One of two real engine servers behind a batch is killed half-way."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from fencun.batch import read_jobs, write_batch
from fencun.files import read_jsonl, write_jsonl
from fencun.gates import Gates
from fencun.models.catalog import catalog
from fencun.models.endpoint import EndpointEngine
from fencun.models.installed import path_of
from fencun.models.pool import PoolEngine
from fencun.models.process import ServerProcess, ServerSettings
from fencun.scenario import Scenario
from fencun.writer import Writer

LIGHT = path_of(catalog().find("qwen2.5-coder-0.5b"))
BRIEFS = 6


@pytest.mark.model
@pytest.mark.slow
async def test_a_batch_loses_nothing_when_one_of_two_engines_is_killed(
    scenario: Scenario, tmp_path: Path
) -> None:
    rows = [
        {"id": f"b{n}", "salutation": f"老{n}", "relation": "发小", "length": "一句话"}
        for n in range(BRIEFS)
    ]
    write_jsonl(tmp_path / "in.jsonl", rows)
    jobs, _ = read_jobs(tmp_path / "in.jsonl", scenario)
    settings = ServerSettings(LIGHT, (), parallel=2, context=512, threads=1)
    servers = [await ServerProcess.start(settings, timeout_s=300) for _ in range(2)]
    engine = PoolEngine(
        [EndpointEngine(f"{s.url}/v1", "m", api_key=s.key, retries=0) for s in servers]
    )
    killed = asyncio.Event()

    def kill_after_the_second(done: int, _: int) -> None:
        if done == 2 and not killed.is_set():
            os.kill(servers[0].pid, signal.SIGKILL)
            killed.set()

    out = tmp_path / "out.jsonl"
    try:
        count = await write_batch(
            Writer(engine, Gates(scenario)), jobs, out, arm="bare", keep=2, draws=2, seed=1,
            parallel=3, tell=kill_after_the_second,
        )  # fmt: skip
        assert killed.is_set()
        assert not servers[0].alive
        assert servers[1].alive
    finally:
        await engine.aclose()
        for server in servers:
            server.end()
    written = [row for _, row in read_jsonl(out) if isinstance(row, dict)]
    assert count == BRIEFS
    assert sorted(row["id"] for row in written) == [f"b{n}" for n in range(BRIEFS)]
    assert all(candidate["text"] for row in written for candidate in row["candidates"])
