"""The page 覆盖: one map over everything that has a brief, switchable."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import web_app
from evaluate_study import study_now
from fastapi.testclient import TestClient

from fencun.evaluate import joining, polling, voting
from fencun.evaluate.records import Opinion
from fencun.scenario import Scenario
from fencun.store.database import Store
from fencun.store.writings import new_id


@pytest.fixture(scope="module")
def client(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = tmp_path_factory.mktemp("web") / "fencun.db"
    with web_app.client(web_app.app(scenario, store=lambda: Store(f"sqlite:///{path}"))) as client:
        yield client


def counts(client: TestClient, **query: str) -> dict:  # type: ignore[type-arg]
    told: dict = client.get("/api/coverage", params=query).json()  # type: ignore[type-arg]
    return told


def test_seeds_are_counted_cell_by_cell(client: TestClient, scenario: Scenario) -> None:
    told = counts(client)
    assert told["total"] == sum(map(sum, told["counts"])) == 648
    text = (scenario.folder / "seeds.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(row) for row in text.splitlines()]
    at = told["axes"]["relation"].index("客户"), told["axes"]["occasion"].index("除夕")
    mine = [row for row in rows if (row["relation"], row["occasion"]) == ("客户", "除夕")]
    assert told["counts"][at[0]][at[1]] == len(mine)
    assert all(cell["have"] < cell["want"] for cell in told["gaps"])


def test_a_seed_written_here_is_on_the_map(client: TestClient) -> None:
    before = counts(client)
    gap = before["gaps"][0]
    fields = {**web_app.BRIEF, **gap["cell"], "text": web_app.GOOD}
    body = {"id": new_id(), "fields": fields, "base": 0, "author": ""}
    assert client.put("/api/seeds/w1", json=body).status_code == 200
    after = counts(client)
    assert after["total"] == before["total"] + 1
    assert gap["told"] not in [cell["told"] for cell in after["gaps"]] or any(
        cell["cell"] == gap["cell"] and cell["have"] == gap["have"] + 1 for cell in after["gaps"]
    )
    client.delete("/api/seeds/w1")
    assert counts(client)["total"] == before["total"]


@pytest.mark.parametrize(("over", "least"), [("drafts", 2000), ("samples", 3000)])
def test_drafts_and_samples_are_the_same_map(client: TestClient, over: str, least: int) -> None:
    told = counts(client, over=over, rows="style", columns="tact")
    assert told["total"] > least
    assert (told["rows"], told["columns"]) == ("style", "tact")
    page = client.get("/coverage", params={"over": over, "rows": "style", "columns": "tact"}).text
    assert 'class="heat"' in page
    assert 'href="/coverage?over=seeds&amp;rows=style' in page
    assert 'style="' not in page


def test_the_briefs_of_the_study_that_ships_are_on_the_map(client: TestClient) -> None:
    assert counts(client, over="briefs")["total"] == 78
    assert "还没有人投票" in client.get("/coverage", params={"over": "votes"}).text


def test_what_is_not_there_yet_is_said_with_what_to_do(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "fencun.web.coverage.studies_of", lambda _: []
    )  # one ships with the scenario
    assert "fencun eval run" in client.get("/coverage", params={"over": "briefs"}).text


@pytest.mark.parametrize(
    "query",
    [{"rows": "style", "columns": "style"}, {"rows": "colour"}, {"over": "stars"},
     {"rows": "x" * 50}],
)  # fmt: skip
def test_an_axis_or_a_source_that_is_none_is_refused(
    client: TestClient, query: dict[str, str]
) -> None:
    assert client.get("/api/coverage", params=query).status_code == 422
    assert client.get("/coverage", params=query).status_code == 422


def test_briefs_and_votes_of_a_study_are_counted(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_now(tmp_path, monkeypatch)
    with web_app.client(web_app.app(scenario)) as client:
        assert counts(client, over="briefs")["total"] == len(study.briefs())
        assert counts(client, over="votes")["total"] == 0
        with Store() as store:
            poll = store.write(lambda s: polling.open_poll(s, study, ballots=6))
            rater = store.write(lambda s: joining.join(s, poll.code, "老周"))
            for _ in range(2):
                ballot = store.read(lambda s: voting.next_ballot(s, rater))[0]
                assert ballot is not None
                cast = ballot.id
                store.write(
                    lambda s, cast=cast: voting.vote(  # type: ignore[misc]
                        s, poll.code, rater.key, cast, identity=new_id(), choice="left",
                        left=Opinion(), right=Opinion(), seconds=None,
                    )
                )  # fmt: skip
            store.write(lambda s: voting.take_back(s, poll.code, rater.key, cast))
        assert counts(client, over="votes")["total"] == 1
