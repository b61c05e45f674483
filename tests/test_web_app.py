"""The app as a whole: navigation, documentation that is complete and offline, 16 at once."""

from pathlib import Path

import web_app

from fencun.scenario import Scenario
from fencun.store.database import Store


def test_what_is_kept_survives_a_restart(scenario: Scenario, tmp_path: Path) -> None:
    def opened() -> Store:
        return Store(f"sqlite:///{tmp_path / 'fencun.db'}")

    with web_app.client(web_app.app(scenario, store=opened)) as client:
        written = client.post("/api/write", json={"brief": web_app.BRIEF}).json()
    with web_app.client(web_app.app(scenario, store=opened)) as client:
        kept = client.get("/api/history").json()["writings"]
    assert [row["id"] for row in kept] == [written["id"]]
    assert [c["text"] for c in kept[0]["candidates"]] == [c["text"] for c in written["candidates"]]
