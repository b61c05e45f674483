"""Two real web servers beside one real PostgreSQL: votes, opinions, writings through both."""

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import chat_server
import httpx
import numpy as np
import postgres_server
import pytest
import web_app
from evaluate_study import study_now
from sqlalchemy.orm import Session
from test_web_review import line

from fencun.evaluate import polling
from fencun.evaluate.questions import question_set
from fencun.store import tokens
from fencun.store.ballots import BallotRow, RaterRow, VoteRow
from fencun.store.database import Store
from fencun.store.schema import DraftRow, EventRow, ReviewRow, WritingRow
from fencun.store.writings import new_id

pytestmark = pytest.mark.slow
RATERS = int(os.environ.get("FENCUN_RATERS", "16"))  # both may be raised, for a soak
BALLOTS = int(os.environ.get("FENCUN_BALLOTS", "5"))
AWAY_S = float(os.environ.get("FENCUN_AWAY_S", "2"))


@dataclass(frozen=True, slots=True)
class Pair:
    """The two servers' addresses, the database, and the poll that is open."""

    urls: tuple[str, str]
    database: postgres_server.Running
    store: Store
    poll: str


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Start both at once on an empty database: they migrate it together."""
    if postgres_server.binaries() is None:
        pytest.skip("no PostgreSQL server is installed on this machine")
    folder = tmp_path_factory.mktemp("two")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FENCUN_HOME", str(folder / "home"))
        database = stack.enter_context(postgres_server.server())
        url = postgres_server.new_database(database, "fencun")
        fake = stack.enter_context(chat_server.serving())
        settings = {
            "FENCUN_DATABASE_URL": url,
            "FENCUN_ENDPOINT": fake.url,
            "FENCUN_ENDPOINT_MODEL": "m",
        }
        servers = [start(stack, settings) for _ in range(2)]
        urls = (address(servers[0]), address(servers[1]))
        store = stack.enter_context(Store(url))
        study = study_now(folder, patch)
        poll = store.write(lambda s: polling.open_poll(s, study, ballots=BALLOTS).code)
        yield Pair(urls, database, store, poll)


def start(stack: ExitStack, settings: dict[str, str]) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "fencun", "serve", "--port", "0", "--no-open"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **settings},
    )  # fmt: skip
    stack.callback(process.communicate)
    stack.callback(process.kill)
    return process


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    told = process.stdout.readline()
    found = re.search(r"http://\S+", told)
    assert found, (told, process.communicate()[1])
    return found[0]


def browser(*urls: str) -> list[httpx.AsyncClient]:
    """One person's browser: a client for each of the two servers, with the same cookies."""
    jar = httpx.Cookies()
    clients = [httpx.AsyncClient(base_url=url, trust_env=False, timeout=120) for url in urls]
    for client in clients:
        client._cookies = jar
    return clients


def vote_on(ballot: dict[str, Any]) -> dict[str, Any]:
    said = {"send": True, "reasons": [], "scales": {}}
    return {
        "id": new_id(), "ballot": ballot["id"], "choice": "left", "left": said, "right": said,
        "seconds": 3.0,
    }  # fmt: skip


async def patient(client: httpx.AsyncClient, path: str, body: object = None) -> httpx.Response:
    """Ask; as a browser does, once more where an idle connection was closed under the request."""
    for _ in range(4):
        try:
            return await (client.post(path, json=body) if body else client.get(path))
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError):
            continue
    raise AssertionError(f"no answer from {path}")


async def rate(pair: Pair, number: int) -> int:
    """Join and vote on everything, each time at the other server; a fifth is sent to both."""
    one, other = browser(*pair.urls)
    async with one, other:
        turns = [one, other] if number % 2 else [other, one]
        joined = await turns[0].post(f"/ballot/{pair.poll}/join", data={"name": f"评审{number}"})
        assert joined.status_code == 303
        state = (await patient(turns[1], f"/ballot/{pair.poll}/next")).json()
        acknowledged = 0
        while ballot := state["ballot"]:
            body = vote_on(ballot)
            both = turns if (number + acknowledged) % 5 == 0 else turns[:1]
            answers = await asyncio.gather(
                *(patient(client, f"/ballot/{pair.poll}/vote", body) for client in both)
            )
            assert [answer.status_code for answer in answers] == [200] * len(both)
            state = answers[0].json()
            acknowledged += 1
            turns.reverse()
        return acknowledged


async def test_every_vote_through_either_server_counts_once_and_sets_are_balanced(
    pair: Pair,
) -> None:
    told = await asyncio.gather(*(rate(pair, number) for number in range(RATERS)))
    assert told == [BALLOTS] * RATERS

    def found(session: Session) -> tuple[list[BallotRow], list[VoteRow], int]:
        rows = session.query(BallotRow).all(), session.query(VoteRow).all()
        return *rows, session.query(RaterRow).count()

    ballots, votes, raters = pair.store.read(found)
    assert raters == RATERS
    assert len(votes) == len({vote.ballot_id for vote in votes}) == RATERS * BALLOTS
    poll = pair.store.read(lambda s: polling.find_poll(s, pair.poll))
    asked = question_set(poll.folder, poll.fingerprint).questions
    seen = Counter(ballot.item for ballot in ballots if ballot.repeat_of is None)
    shared = [seen[int(item)] for item in np.flatnonzero(asked.shared)]
    if len(set(asked.brief)) >= BALLOTS:  # else briefs come back, the shared ones among them
        # A fifth of every set is shared, the least seen first: no draw missed another.
        assert sum(shared) > 0
        assert sum(shared) % RATERS == 0
        assert max(shared) - min(shared) <= 1


async def test_two_servers_open_one_poll(pair: Pair) -> None:
    keys = [pair.store.write(tokens.add_link) for _ in pair.urls]
    study = pair.store.read(lambda s: polling.turnouts(s)[0].poll.study)
    pair.store.write(lambda s: polling.close_poll(s, polling.find_poll(s, pair.poll).fingerprint))

    async def host(url: str, key: str) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
            assert (await client.get("/enter", params={"key": key})).status_code == 303
            opened = await client.post("/ballot/open", data={"study": study})
            assert opened.status_code == 303, opened.text

    await asyncio.gather(*(host(*each) for each in zip(pair.urls, keys, strict=True)))
    polls = pair.store.read(polling.turnouts)
    assert sum(turnout.is_open for turnout in polls) == 1
    pair.store.write(lambda s: setattr(polling.find_poll(s, pair.poll), "closed_at", None))


async def test_two_reviewers_decide_whichever_server_they_are_at(pair: Pair) -> None:
    drafts = "\n".join(line(n, text) for n, text in enumerate(web_app.TEXTS[:3])).encode()
    async with httpx.AsyncClient(trust_env=False, timeout=120) as web:
        files = {"file": ("d.jsonl", drafts)}
        uploads = await asyncio.gather(
            *(web.post(f"{url}/review", files=files) for url in pair.urls)
        )
        batches = {upload.headers["location"].rsplit("/", 1)[1] for upload in uploads}
        assert len(batches) == 1, "the same file at both at once is one batch"
        batch = batches.pop()

        async def review(number: int) -> None:
            url = f"{pair.urls[number % 2]}/api/reviews/{batch}"
            who = f"审{number}"
            while draft := (await web.get(f"{url}/next", params={"reviewer": who})).json()["draft"]:
                body = {
                    "id": new_id(), "draft": draft["id"], "reviewer": who,
                    "decision": "accept", "text": draft["text"],
                }  # fmt: skip
                said = await web.post(url, json=body)
                assert said.status_code in (200, 409), said.text

        await asyncio.gather(*(review(number) for number in range(6)))

    def found(session: Session) -> list[tuple[str, int]]:
        rows = session.query(DraftRow).filter(DraftRow.batch_id == batch)
        opinions = session.query(ReviewRow)
        return [(row.state, opinions.filter(ReviewRow.draft_id == row.id).count()) for row in rows]

    decided = pair.store.read(found)
    assert len(decided) >= 2
    assert all(row in (("accepted", 2), ("aside", 0)) for row in decided), decided


async def test_writings_and_the_share_of_a_token_hold_across_both(pair: Pair) -> None:
    plain = pair.store.write(lambda s: tokens.add(s, "小王", ["write"], daily=6))
    body = {"brief": web_app.BRIEF, "keep": 1, "draws": 1}
    async with httpx.AsyncClient(trust_env=False, timeout=120) as web:
        web.headers["Authorization"] = f"Bearer {plain}"
        answers = await asyncio.gather(
            *(web.post(f"{pair.urls[n % 2]}/api/write", json=body) for n in range(10))
        )
        assert Counter(answer.status_code for answer in answers) == {200: 6, 429: 4}
        kept = {answer.json()["id"] for answer in answers if answer.status_code == 200}
        for url in pair.urls:
            shown = (await web.get(f"{url}/api/history")).json()["writings"]
            assert {writing["id"] for writing in shown} == kept
        candidate = shown[0]["candidates"][0]["id"]
        event = {"id": new_id(), "candidate": candidate, "kind": "liked"}
        twice = await asyncio.gather(
            *(web.post(f"{url}/api/events", json=event) for url in pair.urls)
        )
        assert sorted(answer.status_code for answer in twice) == [200, 201]
    assert pair.store.read(lambda s: s.query(WritingRow).count()) == 6
    assert pair.store.read(lambda s: s.query(EventRow).count()) == 1


async def test_a_link_is_good_once_at_whichever_server(pair: Pair) -> None:
    key = pair.store.write(tokens.add_link)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as web:
        answers = await asyncio.gather(
            *(web.get(f"{url}/enter", params={"key": key}) for url in pair.urls)
        )
    assert sorted(answer.status_code for answer in answers) == [303, 403]


async def test_a_database_that_is_away_costs_no_acknowledged_vote_and_is_said_kindly(
    pair: Pair,
) -> None:
    before = pair.store.read(lambda s: s.query(VoteRow).count())
    one, other = browser(*pair.urls)
    async with one, other:
        await one.post(f"/ballot/{pair.poll}/join", data={"name": "等库的人"})
        state = (await one.get(f"/ballot/{pair.poll}/next")).json()
        pair.database.stop()
        waiting = asyncio.create_task(
            one.post(f"/ballot/{pair.poll}/vote", json=vote_on(state["ballot"]))
        )
        told = await other.get(f"/ballot/{pair.poll}/next")
        assert (told.status_code, told.headers["Retry-After"]) == (503, "5")
        assert "数据库暂时连不上" in told.json()["error"]["message"]
        assert (await other.get("/ready")).status_code == 503
        assert (await other.get("/health")).status_code == 200
        await asyncio.sleep(AWAY_S)
        assert not waiting.done(), "a vote waits for it"
        await asyncio.to_thread(pair.database.start)
        answer = await waiting
        assert answer.status_code == 200, answer.text
        assert answer.json()["done"] == 1
        assert (await other.get(f"/ballot/{pair.poll}/next")).json()["done"] == 1
        assert (await other.get("/ready")).json()["database"] is True
    assert pair.store.read(lambda s: s.query(VoteRow).count()) == before + 1
