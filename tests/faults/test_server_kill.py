"""SIGKILL under votes, reviews and writings: what was acknowledged is there, once.

``FENCUN_SERVER_KILLS`` says how often; ``make soak`` kills five hundred times.
"""

import multiprocessing
import os
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import web_app
from evaluate_study import study_now
from sqlalchemy import select
from test_web_ballot import vote_on

from fencun.evaluate import polling
from fencun.gates import Gates
from fencun.scenario import Scenario
from fencun.store import intake, reviews, seeds
from fencun.store.ballots import VoteRow
from fencun.store.database import Store
from fencun.store.schema import ReviewRow, WritingRow
from fencun.store.writings import new_id

KILLS = int(os.environ.get("FENCUN_SERVER_KILLS", "4"))
LIVES_S = 1.5  # at most, and a third of it at least
RATERS = 3


@dataclass
class Kept:
    """What the server acknowledged: the ids of votes, reviews and writings."""

    votes: list[str] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)
    writings: list[str] = field(default_factory=list)


@contextmanager
def serving(home: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the address of a server, and what kills it and starts it anew on the same port."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["server_victim"])
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    import server_victim

    def started() -> Any:
        process = context.Process(target=server_victim.serve, args=(str(home), listening))
        process.start()
        return process

    process = started()

    def killed() -> None:
        nonlocal process
        process.kill()
        process.join()
        process = started()

    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", killed
    finally:
        process.kill()
        process.join()
        listening.close()


def busy(act: Callable[[httpx.Client], None], url: str, stop: threading.Event) -> threading.Thread:
    """Do ``act`` again and again in a thread, whatever becomes of the server."""

    def loop() -> None:
        cookies = httpx.Cookies()
        while not stop.is_set():
            client = httpx.Client(base_url=url, timeout=20, cookies=cookies)
            with suppress(httpx.HTTPError, httpx.StreamError), client:
                while not stop.is_set():
                    act(client)
                    cookies = client.cookies
            time.sleep(0.02)

    thread = threading.Thread(target=loop)
    thread.start()
    return thread


def wait(true: Callable[[], bool], seconds: float = 180) -> None:
    """Wait until something is true, or long enough."""
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)


def votes(code: str, name: str, kept: Kept) -> Callable[[httpx.Client], None]:
    sent: dict[str, dict[str, object]] = {}

    def act(client: httpx.Client) -> None:
        state = client.get(f"/ballot/{code}/next")
        if state.status_code >= 400 or state.json()["ballot"] is None:
            client.cookies.clear()
            client.post(f"/ballot/{code}/join", data={"name": name})
            return
        ballot = state.json()["ballot"]
        vote = sent.setdefault(ballot["id"], vote_on(ballot))  # sent again, it is the same vote
        answer = client.post(f"/ballot/{code}/vote", json=vote)
        if answer.status_code == 200:
            kept.votes.append(str(vote["id"]))

    return act


def says(batch: str, name: str, kept: Kept) -> Callable[[httpx.Client], None]:
    sent: dict[str, str] = {}

    def act(client: httpx.Client) -> None:
        state = client.get(f"/api/reviews/{batch}/next", params={"reviewer": name}).json()
        if (draft := state.get("draft")) is None:
            time.sleep(0.2)
            return
        identity = sent.setdefault(draft["id"], new_id())
        body = {"id": identity, "draft": draft["id"], "reviewer": name, "decision": "reject",
                "text": draft["text"], "reason": "cliche"}  # fmt: skip
        if client.post(f"/api/reviews/{batch}", json=body).status_code == 200:
            kept.reviews.append(identity)

    return act


def writes(kept: Kept) -> Callable[[httpx.Client], None]:
    body = {"brief": web_app.BRIEF, "keep": 1, "draws": 1}

    def act(client: httpx.Client) -> None:
        answer = client.post("/api/write", json=body)
        if answer.status_code == 200:
            kept.writings.append(answer.json()["id"])

    return act


def hold(kept: Kept) -> None:
    """Fail if something that was acknowledged by now is not there, or is there twice."""
    acknowledged = {kind: set(ids) for kind, ids in vars(kept).items()}
    with Store() as store:
        there = {
            "votes": store.read(lambda s: list(s.scalars(select(VoteRow.id)))),
            "reviews": store.read(lambda s: list(s.scalars(select(ReviewRow.id)))),
            "writings": store.read(lambda s: list(s.scalars(select(WritingRow.id)))),
        }
    for kind, ids in acknowledged.items():
        assert ids, f"no {kind} were acknowledged at all"
        assert ids <= set(there[kind]), f"acknowledged {kind} are lost"
        assert max(Counter(there[kind]).values()) == 1


@pytest.mark.slow
def test_what_was_acknowledged_outlives_every_kill(
    tmp_path: Path, scenario: Scenario, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = str(Path(__file__).parents[1])
    monkeypatch.syspath_prepend(tests)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")]))
    study = study_now(tmp_path, monkeypatch)
    drafts = (scenario.folder / "drafts.jsonl").read_bytes().splitlines(keepends=True)
    with Store() as store:
        known = store.read(lambda s: seeds.known(s, scenario))
        read = intake.read_batch(scenario, Gates(scenario), "d", b"".join(drafts[:300]), known)
        batch = store.write(lambda s: reviews.add_batch(s, *read)).id
        code = store.write(lambda s: polling.open_poll(s, study, ballots=24)).code
    kept, stop, rng = Kept(), threading.Event(), random.Random(7)
    with serving(own_home) as (url, kill):
        acts = [votes(code, f"评审{n}", kept) for n in range(RATERS)]
        acts += [says(batch, f"审阅{n}", kept) for n in range(RATERS)] + [writes(kept)]
        threads = [busy(act, url, stop) for act in acts]
        try:
            wait(lambda: all(vars(kept).values()))
            for number in range(1, KILLS + 1):
                before = sum(map(len, vars(kept).values()))
                wait(lambda before=before: sum(map(len, vars(kept).values())) > before)  # type: ignore[misc]
                time.sleep(rng.uniform(0, LIVES_S))
                kill()
                if number % 25 == 0:
                    hold(kept)
                    sys.stderr.write(f"{number} of {KILLS} kills, nothing lost\n")
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)
    hold(kept)
