"""The page 微调 offers to learn preferences where there are pairs, and on top of what."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import web_app
from fastapi.testclient import TestClient
from test_web_tuning import NAME, a_run

from fencun import files
from fencun.scenario import Scenario
from fencun.tune.runs import processes as runs
from fencun.tune.runs.folder import MANIFEST
from fencun.web.tuning_pairs import find_pairs


@pytest.fixture
def client(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    base = tmp_path / "some-base"
    base.mkdir()
    monkeypatch.setenv("FENCUN_MODEL", str(base))
    monkeypatch.chdir(tmp_path)
    with web_app.client(web_app.app(scenario)) as client:
        web_app.enter(client)
        yield client


def some_pairs(folder: Path, *, style: str = "trl") -> Path:
    """Write what ``fencun data pairs`` leaves behind."""
    files.write_jsonl(folder / "pairs.jsonl", [{"chosen": "好", "rejected": "坏"}] * 12)
    files.write_json(folder / "manifest.json", {"format": style, "pairs": 12})
    return folder / "pairs.jsonl"


def test_pairs_are_found_where_they_are_written(
    tmp_path: Path, own_home: Path, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_pairs(scenario) == {}
    here, kept = some_pairs(tmp_path / "pairs"), some_pairs(own_home / "pairs" / "may")
    some_pairs(tmp_path / "elsewhere", style="llamafactory")  # the own loop does not read these
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "pairs.jsonl").touch()
    (tmp_path / "torn" / "manifest.json").write_text("{")
    found = find_pairs(scenario)
    assert {Path(path) for path in found} == {here.resolve(), kept.resolve()}
    assert {file.count for file in found.values()} == {12}


def test_a_run_and_pairs_are_offered_and_start_dpo(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "再学偏好" not in client.get("/tune").text  # nothing to start from
    folder = a_run()
    assert "fencun data pairs --out pairs" in client.get("/tune").text
    pairs = some_pairs(tmp_path / "pairs").resolve()
    page = client.get("/tune").text
    assert f'value="{pairs}"' in page
    assert "12 对" in page
    started: list[list[str]] = []
    monkeypatch.setattr(runs, "_spawn", lambda folder, arguments: started.append(list(arguments)))
    form = {"adapter": NAME, "pairs": str(pairs)}
    went = client.post("/tune/prefer", data=form, follow_redirects=False)
    assert went.status_code == 303
    [arguments] = started
    assert arguments[4:] == [
        "--method", "dpo", "--adapter", str(folder), "--pairs", str(pairs),
        "--scenario", "spring_festival",
    ]  # fmt: skip


@pytest.mark.parametrize("adapter", [NAME, "20990101-000000", "../../etc"])
def test_pairs_or_runs_that_are_not_there_start_nothing(client: TestClient, adapter: str) -> None:
    a_run()
    answer = client.post("/tune/prefer", data={"adapter": adapter, "pairs": "/etc/passwd"})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert [run.name for run in runs.all_runs()] == [NAME]


def test_strangers_cannot_start_it(scenario: Scenario) -> None:
    web = web_app.app(scenario)
    with TestClient(web, base_url="http://192.168.1.5", client=("192.168.1.9", 1)) as stranger:
        assert stranger.post("/tune/prefer").status_code == 403


def test_a_run_of_preferences_says_by_how_much_it_prefers(client: TestClient) -> None:
    folder = a_run()
    facts = runs.find_run(NAME).manifest
    margin = {"before": -3.25, "after": 4.5}
    files.write_json(folder / MANIFEST, {**facts, "method": "dpo", "margin": margin})
    page = client.get(f"/tune/{NAME}").text
    assert "从 -3.2 到 +4.5 奈特" in page
    assert "学偏好" in page
