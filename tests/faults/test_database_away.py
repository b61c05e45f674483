"""A PostgreSQL that goes away and comes back: no acknowledged vote is lost, none is there twice.

``FENCUN_AWAY_S`` says for how long; ``make soak`` lets it be away for twenty seconds.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import postgres_server
import pytest
from evaluate_study import study_now
from sqlalchemy import select
from sqlalchemy.orm import Session

from fencun.errors import StoreError
from fencun.evaluate import joining, polling, voting
from fencun.evaluate.records import Opinion
from fencun.store.ballots import VoteRow
from fencun.store.database import Store
from fencun.store.writings import new_id

T = TypeVar("T")
AWAY_S = float(os.environ.get("FENCUN_AWAY_S", "1.5"))


def test_votes_wait_for_a_database_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if postgres_server.binaries() is None:
        pytest.skip("no PostgreSQL server is installed on this machine")
    study = study_now(tmp_path, monkeypatch)
    with postgres_server.server() as server:
        url = postgres_server.new_database(server, "away")
        with Store(url) as store:
            poll = store.write(lambda s: polling.open_poll(s, study, ballots=24))
            kept = voted(store, poll.code, server)
            there = store.read(lambda s: list(s.scalars(select(VoteRow.id))))
    assert sorted(kept) == sorted(there)
    assert len(kept) == len(set(kept)) > 0


def voted(store: Store, code: str, server: postgres_server.Running) -> list[str]:
    """Let three raters vote while the server goes away; return what was acknowledged."""
    kept: list[str] = []
    gone = threading.Event()

    def rate(name: str) -> None:
        rater = store.write(lambda s: joining.join(s, code, name))
        for _ in range(24):
            ballot, _, _ = patient(lambda: store.read(lambda s: voting.next_ballot(s, rater)))
            if ballot is None:
                return
            kept.append(cast(rater.key, ballot.id))
            if len(kept) > 6:
                gone.set()
                time.sleep(0.05)

    def cast(key: str, ballot: str) -> str:
        identity, said = new_id(), Opinion(send=True)

        def vote(session: Session) -> None:
            voting.vote(
                session, code, key, ballot, identity=identity, choice="left", left=said,
                right=said, seconds=1.0,
            )  # fmt: skip

        patient(lambda: store.write(vote))
        return identity

    threads = [threading.Thread(target=rate, args=(f"评审{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    gone.wait(30)
    server.stop()
    time.sleep(AWAY_S)
    server.start()
    for thread in threads:
        thread.join(60)
    return kept


def patient(act: Callable[[], T]) -> T:
    """Do ``act`` until it works, as a page does that says to try again."""
    until = time.monotonic() + 60
    while True:
        try:
            return act()
        except StoreError:
            assert time.monotonic() < until
            time.sleep(0.1)
