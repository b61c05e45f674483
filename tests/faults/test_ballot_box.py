"""The ballot box under spite: what is sent before a vote tells no arm, and no forged vote is in.

``FENCUN_LOOKS`` responses are looked at and ``FENCUN_FORGERIES`` votes forged; ``make soak`` does
ten thousand and a thousand.
"""

import itertools
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import web_app
from evaluate_study import study_now
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import select
from test_web_ballot import vote_on

from fencun.evaluate import polling
from fencun.evaluate.study import Study
from fencun.scenario import Scenario
from fencun.store.ballots import BallotRow, VoteRow
from fencun.store.database import Store
from fencun.store.writings import new_id

LOOKS = int(os.environ.get("FENCUN_LOOKS", "60"))
FORGERIES = int(os.environ.get("FENCUN_FORGERIES", "40"))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return study_now(tmp_path, monkeypatch)


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as opened:
        yield opened


def polled(study: Study, ballots: int = 16) -> str:
    with Store() as store:
        return store.write(lambda s: polling.open_poll(s, study, ballots=ballots)).code


def seated(client: TestClient, code: str, name: str) -> dict[str, str]:
    """Return the cookies of a rater who has just joined."""
    client.cookies.clear()
    assert client.post(f"/ballot/{code}/join", data={"name": name}).status_code == 200
    return dict(client.cookies)


def rows_of(table: type[Any]) -> list[Any]:
    with Store() as store:
        return list(store.read(lambda s: list(s.scalars(select(table)))))


def test_nothing_before_a_vote_tells_the_arm(client: TestClient, study: Study) -> None:
    code = polled(study)
    names = {arm.name for arm in study.registration.arms}
    secrets = {str(study.registration.seed), study.registration.fingerprint, "adapter", "arm"}
    sizes: dict[str, Counter[tuple[int, tuple[str, ...]]]] = {"page": Counter(), "next": Counter()}
    seen: set[str] = set()
    told: list[str] = []
    looked = 0

    def look(kind: str, response: Response, shown: str = "") -> None:
        nonlocal looked
        looked += 1
        body = f"{response.headers.raw!r} {response.text.replace(shown, '') if shown else ''}"
        told.extend(word for word in names | secrets if word in body.lower())
        sizes[kind][len(response.content), tuple(sorted(response.headers))] += 1

    for number in itertools.count():
        seated(client, code, f"评审{number % 10}")
        look("page", client.get(f"/ballot/{code}"))
        while True:
            response = client.get(f"/ballot/{code}/next")
            ballot = response.json()["ballot"]
            if ballot is None or looked >= LOOKS:
                break
            assert set(ballot) == {"id", "lines", "left", "right"}
            assert ballot["id"] not in seen
            seen.add(ballot["id"])
            look("next", response, "nothing that is not shown")
            client.post(f"/ballot/{code}/vote", json=vote_on(ballot))
        if looked >= LOOKS:
            break
        if number % 50 == 49:
            sys.stderr.write(f"{looked} of {LOOKS} looks\n")
    assert told == []
    assert len(sizes["page"]) == len(sizes["next"]) == 1, "its size would tell"
    of = {row.id: row for row in rows_of(BallotRow)}
    lefts = Counter(of[ballot].left_arm for ballot in seen)
    assert set(lefts) == names, "each arm is shown on the left"


def test_no_forged_vote_is_in(client: TestClient, study: Study, tmp_path: Path) -> None:
    code = polled(study)
    one, other = seated(client, code, "小王"), seated(client, code, "小李")
    ballots = {row.id: row.rater_id for row in rows_of(BallotRow)}
    client.cookies.clear()
    client.cookies.update(one)
    mine = client.get(f"/ballot/{code}/next").json()["ballot"]
    cast = vote_on(mine)
    following = client.post(f"/ballot/{code}/vote", json=cast).json()["ballot"]
    owner = ballots[mine["id"]]
    foreign = [ballot for ballot, rater in ballots.items() if rater != owner]
    before = {(row.ballot_id, row.attempt): (row.id, row.choice) for row in rows_of(VoteRow)}
    assert len(before) == 1
    rng = random.Random(20260206)

    def said(ballot: str, **fields: object) -> dict[str, object]:
        return {**vote_on({"id": ballot}), "choice": rng.choice(["left", "right"]), **fields}

    key = next(iter(one))
    forge: list[Callable[[], tuple[dict[str, str], dict[str, object]]]] = [
        lambda: (one, said(rng.choice(foreign))),
        lambda: (other, said(following["id"])),
        lambda: (one, said(new_id())),
        lambda: ({}, said(following["id"])),
        lambda: ({key: new_id()}, said(following["id"])),
        lambda: ({key: ""}, said(rng.choice(foreign))),
        lambda: (one, said(following["id"], id=cast["id"])),
        lambda: (one, said(mine["id"], id=cast["id"], choice="tie")),
        lambda: (one, said(mine["id"])),
        lambda: (one, said(following["id"], choice="middle")),
        lambda: (one, said(following["id"], rater="小李")),
        lambda: (one, said(following["id"] + "'--")),
        lambda: (one, said(following["id"], seconds=-1)),
    ]
    accepted = []
    for number in range(FORGERIES):
        cookies, vote = forge[number % len(forge)]()
        client.cookies.clear()
        client.cookies.update(cookies)
        answer = client.post(f"/ballot/{code}/vote", json=vote)
        if answer.status_code < 400 and vote["id"] != cast["id"]:
            accepted.append((number % len(forge), answer.status_code))
        assert answer.status_code < 500
    with Store() as store:
        store.write(lambda s: polling.close_poll(s, study.registration.fingerprint))
    client.cookies.clear()
    client.cookies.update(one)
    for _ in range(max(1, FORGERIES // 20)):  # late ones
        assert client.post(f"/ballot/{code}/vote", json=said(following["id"])).status_code >= 400
    after = {(row.ballot_id, row.attempt): (row.id, row.choice) for row in rows_of(VoteRow)}
    assert (accepted, after) == ([], before)
