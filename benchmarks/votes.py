"""Votes: 200 people voting at once, and 10,000 votes counted.

Run: python benchmarks/votes.py [--ballots | --count] [--json FILE]
It needs the extra ``evaluate`` and no model. Targets: a ballot within 50 ms at the 95th
percentile while 200 people read, 10,000 votes counted within 10 s.

Ballots: 200 raters over HTTP, each taking 5 to 15 s for a ballot, then all as fast as they
can. The peer, in the same run: a bare commit of one row to a SQLite file with the same
durability, without HTTP, checks or a next ballot: the disk's share of the time.

Counting: the peer, on the same votes: a bootstrap over raters, briefs and votes as a plain
loop that asks choix for every resample, which is what one would write first. Simulated studies
are in benchmarks/evidence.py.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import choix
import httpx
import numpy as np
import uvicorn

from fencun.evaluate import polling
from fencun.evaluate.decide import decide
from fencun.evaluate.facts import Background, gather
from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.run import run
from fencun.evaluate.simulate import ARMS, World, simulate
from fencun.evaluate.strengths import strengths
from fencun.evaluate.table import NEITHER, TIE, VoteTable
from fencun.gates import Gates
from fencun.models.fake import FakeEngine
from fencun.scenario import load_scenario
from fencun.store.ballots import VoteRow
from fencun.store.database import Store
from fencun.web.app import create_app
from fencun.writer import Writer

RULES = shipped_rules()
RESAMPLES = 300


def seconds_of(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def peer_spread(table: VoteTable, group: np.ndarray) -> np.ndarray:
    """Resample groups and let choix fit each resample, one at a time."""
    random = np.random.default_rng(0)
    members = [np.flatnonzero(group == label) for label in np.unique(group)]
    values = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        wins = np.full((len(ARMS), len(ARMS)), 0.5)
        for row in rows:
            if table.choice[row] == NEITHER:
                continue
            left, right = table.left[row], table.right[row]
            score = 0.5 if table.choice[row] == TIE else float(table.choice[row] == 0)
            wins[left, right] += score
            wins[right, left] += 1 - score
        np.fill_diagonal(wins, 0)
        values.append(choix.ilsr_pairwise_dense(wins))
    return np.cov(np.array(values), rowvar=False)


def ten_thousand() -> dict[str, float]:
    table = simulate(World(raters=200, ballots=65), np.random.default_rng(0)).first_time()
    table = table.where(np.arange(len(table)) < 10_000)
    assert len(table) == 10_000
    background = Background({arm: arm for arm in ARMS})
    ours = seconds_of(lambda: decide(gather(table, background, 0.95), RULES))
    fit = seconds_of(lambda: strengths(table))
    peer = seconds_of(
        lambda: [peer_spread(table, g) for g in (table.rater, table.brief, np.arange(10_000))]
    )
    return {
        "votes": 10_000,
        "all_s": ours,
        "strengths_s": fit,
        "peer_strengths_s": peer,
        "peer_over_ours": peer / fit,
    }


RATERS, BALLOTS, PAUSE_S = 200, 10, (5.0, 15.0)


async def study_of_fakes(folder: Path) -> Any:
    """Return a study over the shipped test briefs whose answers differ by arm and brief."""
    files = [folder / f"{name}.gguf" for name in ("one", "two")]
    for number, path in enumerate(files):
        path.write_bytes(b"GGUF" + bytes(100 + number))
    os.environ["FENCUN_MODEL"] = str(files[0])
    arms = [
        "bare",
        "prompt",
        {"name": "rag", "style": "prompt", "role": "rag", "model": str(files[1])},
    ]
    (folder / "arms.yaml").write_text(json.dumps({"arms": arms}), encoding="utf-8")

    def opener(model: str | None, _: Path | None) -> FakeEngine:
        return FakeEngine(lambda m, d: f"{len(m)}号锅，{model and 2}号灶，第{d.seed % 1000}碗汤。")

    return await run(load_scenario(), arms=str(folder / "arms.yaml"), out="bench", opener=opener)


@asynccontextmanager
async def served(code_of: dict[str, str], folder: Path) -> AsyncIterator[str]:
    """Serve the real app on loopback with an open poll; yield its URL."""
    scenario, study = load_scenario(), await study_of_fakes(folder)
    with Store() as store:
        poll = store.write(lambda s: polling.open_poll(s, study, ballots=2 * BALLOTS))
    code_of["code"] = poll.code

    @asynccontextmanager
    async def opened() -> AsyncIterator[Writer]:
        yield Writer(FakeEngine(), Gates(scenario))

    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(uvicorn.Config(create_app(scenario, opened), log_level="error"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def rate(url: str, code: str, *, slowly: bool, times: list[float]) -> None:
    """Join and vote on ten ballots; sometimes the vote is sent twice, as after a lost answer."""
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=120, limits=limits) as web:
        await web.post(f"/ballot/{code}/join", data={"name": "评审"})
        state = (await web.get(f"/ballot/{code}/next")).json()
        for _ in range(BALLOTS):
            if slowly:
                await asyncio.sleep(random.uniform(*PAUSE_S))
            said: dict[str, Any] = {"send": True, "reasons": [], "scales": {}}
            vote = {"id": uuid4().hex, "ballot": state["ballot"]["id"], "choice": "left"}
            body = {**vote, "left": said, "right": {**said, "send": False}, "seconds": 9.5}
            for _ in range(2 if random.random() < 0.2 else 1):
                began = time.perf_counter()
                answer = await cast(web, f"/ballot/{code}/vote", body)
                times.append(time.perf_counter() - began)
                answer.raise_for_status()
                state = answer.json()


async def cast(web: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    """Send a vote; as a browser does, again where an idle connection was closed under it."""
    for _ in range(4):
        try:
            return await web.post(path, json=body)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            continue
    return await web.post(path, json=body)


def bare_commits(path: Path, count: int = 1000) -> list[float]:
    """Commit one row at a time, as durably as the store does; return seconds each."""
    times = []
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE votes (id TEXT PRIMARY KEY, said TEXT)")
        for _ in range(count):
            began = time.perf_counter()
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO votes VALUES (?, ?)", (uuid4().hex, "x" * 200))
            database.execute("COMMIT")
            times.append(time.perf_counter() - began)
    return times


def told(times: list[float]) -> dict[str, float]:
    return {
        "requests": len(times),
        "median_ms": 1000 * float(np.median(times)),
        "p95_ms": 1000 * float(np.quantile(times, 0.95)),
    }


async def two_hundred_raters(folder: Path) -> dict[str, Any]:
    """Return the latency of a vote with 200 people reading, and the rate with none pausing."""
    os.environ["FENCUN_HOME"] = str(folder)
    slow: list[float] = []
    fast: list[float] = []
    code_of: dict[str, str] = {}
    async with served(code_of, folder) as url:
        code = code_of["code"]
        await asyncio.gather(*(rate(url, code, slowly=True, times=slow) for _ in range(RATERS)))
        began = time.perf_counter()
        await asyncio.gather(*(rate(url, code, slowly=False, times=fast) for _ in range(RATERS)))
        lasted = time.perf_counter() - began
    with Store() as store:
        kept = store.read(lambda session: session.query(VoteRow).count())
    assert kept == 2 * RATERS * BALLOTS, kept
    reading, peer = told(slow), told(bare_commits(folder / "peer.db"))
    return {
        "raters": RATERS,
        "reading": reading,
        "no_pauses": told(fast) | {"votes_per_s": RATERS * BALLOTS / lasted},
        "peer_bare_commit": peer,
        "ours_over_peer_p95": reading["p95_ms"] / peer["p95_ms"],
        "rows": kept,
    }


BALLOT_LINES = """\
a ballot over HTTP, {raters} raters at once, each reading 5 to 15 s:
  median {reading[median_ms]:.1f} ms, p95 {reading[p95_ms]:.1f} ms (target 50) of \
{reading[requests]} votes
the same raters without a pause: {no_pauses[votes_per_s]:.0f} votes/s, \
median {no_pauses[median_ms]:.0f} ms
peer, a bare commit of one row to SQLite: median {peer_bare_commit[median_ms]:.2f} ms, \
p95 {peer_bare_commit[p95_ms]:.2f} ms; a ballot takes {ours_over_peer_p95:.1f} times as long at p95
rows kept: {rows}, as many as ballots"""
COUNT_LINES = """\
counting {votes} votes, verdict and all: {all_s:.2f} s (target 10)
strengths with their intervals: {strengths_s:.2f} s; peer, a loop that asks choix for every \
resample: {peer_strengths_s:.1f} s, {peer_over_ours:.0f} times as long"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ballots", action="store_true", help="only the 200 raters")
    parser.add_argument("--count", action="store_true", help="only the 10,000 votes")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result: dict[str, object] = {}
    if not options.count:
        with tempfile.TemporaryDirectory() as folder:
            result["ballots"] = ballots = asyncio.run(two_hundred_raters(Path(folder)))
        print(BALLOT_LINES.format(**ballots), flush=True)
    if not options.ballots:
        result["ten_thousand"] = counted = ten_thousand()
        print(COUNT_LINES.format(**counted), flush=True)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
