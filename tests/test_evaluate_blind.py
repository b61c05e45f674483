"""While people vote on a brief nobody has it written again, and no seed can be guessed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import web_app
from evaluate_study import study_now
from fastapi.testclient import TestClient

from fencun.evaluate import polling
from fencun.evaluate.study import Study
from fencun.scenario import Scenario
from fencun.store.database import Store


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return study_now(tmp_path, monkeypatch)


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as opened:
        yield opened


def test_a_brief_under_vote_is_written_for_nobody(
    client: TestClient, study: Study, scenario: Scenario
) -> None:
    sample = next(one for one in study.briefs() if len(one.brief["detail"]) > 6)
    detail = sample.brief["detail"]
    dressed = " ".join(detail) + "。"
    other = {**sample.brief, "salutation": "老李", "detail": dressed}
    lines = "\n".join(f"{d.label}：{sample.brief[d.name] or '无'}" for d in scenario.dimensions)
    chat: dict[str, Any] = {
        "model": "spring_festival/prompt", "messages": [{"role": "user", "content": lines}],
    }  # fmt: skip

    def statuses() -> list[int]:
        bodies = [sample.brief, other]
        written = [
            client.post("/api/write", json={"brief": body, "keep": 1, "draws": 1, "seed": 7})
            for body in bodies
        ]
        return [
            *(answer.status_code for answer in written),
            client.post("/v1/chat/completions", json=chat).status_code,
            client.post("/", data=sample.brief).status_code,
        ]

    assert statuses() == [200] * 4
    earlier = client.post("/api/write", json={"brief": sample.brief}).json()["candidates"][0]
    with Store() as store:
        store.write(lambda session: polling.open_poll(session, study, ballots=4))
    assert statuses() == [409] * 4
    body = {"candidate": earlier["id"], "change": "redraw", "text": earlier["text"]}
    refused = client.post("/api/rewrite", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "blind")
    assert client.post("/api/write", json={"brief": web_app.BRIEF}).status_code == 200
    with Store() as store:
        store.write(lambda session: polling.close_poll(session, study.registration.fingerprint))
    assert statuses() == [200] * 4


def test_the_seed_of_a_study_is_its_own_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = study_now(tmp_path / "a", monkeypatch)
    monkeypatch.setenv("FENCUN_HOME", str(tmp_path / "home"))
    second = study_now(tmp_path / "a", monkeypatch)
    assert first.registration.seed != second.registration.seed
    again = study_now(tmp_path / "a", monkeypatch)
    assert again.registration.fingerprint == second.registration.fingerprint
