"""The page 微调 over folders of runs: what it shows, what it starts, and to whom."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import web_app
from fastapi.testclient import TestClient

from fencun import files
from fencun.scenario import Scenario
from fencun.tune.preflight import background
from fencun.tune.runs import processes as runs
from fencun.tune.runs.folder import CONFIG, LOG, MANIFEST
from fencun.web import tuning

NAME = "20260102-030405"
TEXTS = ("王老师，祝您新年快乐。", "王老师，给您拜年了。", "王老师，给您拜年了。")


@pytest.fixture
def client(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    base = tmp_path / "some-base"
    base.mkdir()
    monkeypatch.setenv("FENCUN_MODEL", str(base))
    with web_app.client(web_app.app(scenario)) as client:
        yield web_app.enter(client)


def a_run(name: str = NAME, *, finished: bool = True, texts: tuple[str, ...] = TEXTS) -> Path:
    """Write the folder of a run as the loop leaves it."""
    folder = runs.tuning_dir() / name
    facts = {
        "base": {"name": "some-base", "sha256": "0" * 64},
        "resolved": {"steps": 6, "base": "some-base"},
        "given": {"preset": "quick"},
        "samples": 48,
    }
    files.write_json(folder / CONFIG, facts)
    rows = []
    for step in range(1, 7):
        tick = {"step": step, "steps": 6, "loss": 4 - step / 10, "rate": 1e-4}
        rows.append({"kind": "tick", **tick, "samples_per_second": 1.5, "eta": 90.0 * (6 - step)})
        if step % 2 == 0:
            text = texts[step // 2 - 1]
            greeting = {
                "id": "sf-1", "brief": web_app.BRIEF, "text": text, "run": 0,
                "echo": step == 2, "nearest": "学过的那一条。",
                "faults": ["cliche"] if "新年快乐" in text else [],
            }  # fmt: skip
            look = {"step": step, "loss": 3.5 - step / 10, "canary": 0.01, "greetings": [greeting]}
            rows.append({"kind": "look", **look, "passed": None, "echoes": None})
    files.write_jsonl(folder / LOG, rows)
    if finished:
        reason = ["验证损失没有变好，停在这里。", "No better loss; stopped."]
        outcome = {"steps": 6, "best_step": 4, "best_loss": 3.1, "stopped": reason}
        files.write_json(folder / MANIFEST, {**facts, "outcome": outcome})
    files.write_json(folder / "best" / "adapter_config.json", {})
    return folder


def test_a_run_is_shown_with_its_numbers_charts_and_greetings(client: TestClient) -> None:
    a_run()
    overview = client.get("/tune").text
    assert "2026-01-02 03:04:05" in overview
    assert "验证损失 3.100" in overview
    page = client.get(f"/tune/{NAME}").text
    assert "第 6 / 6 步" in page
    assert "留用第 4 步" in page
    assert "验证损失没有变好" in page
    assert page.count('<svg class="chart"') == 2
    assert page.count('class="dot dot-validation"') == 3
    # Newest first; what changed is marked; a text that stayed is shown once, with its span.
    newest = page.index("王老师，<mark>给</mark>您<mark>拜</mark>年<mark>了</mark>。")
    assert newest < page.index("王老师，祝您新年快乐。")
    assert "第 4 到 6 步" in page
    assert "没过关：套话" in page
    assert page.count("像训练样本：学过的那一条。") == 1
    assert f"/tune/compare?left=run-{NAME}" in page


def test_the_part_that_is_polled_is_the_part_of_the_page(client: TestClient) -> None:
    a_run()
    part = client.get(f"/tune/{NAME}/view").text.strip()
    assert 'data-state="finished"' in part
    assert "<html" not in part
    assert part in client.get(f"/tune/{NAME}").text


def test_a_run_that_broke_off_says_why_and_can_go_on(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_run(finished=False)
    (folder / runs.OUTPUT).write_text("没成：磁盘满了 <b>")
    page = client.get(f"/tune/{NAME}").text
    assert "没成：磁盘满了 &lt;b&gt;" in page
    assert "可以接着跑" in page
    assert f'action="/tune/{NAME}/resume"' in page
    started: list[list[str]] = []
    monkeypatch.setattr(runs, "_spawn", lambda folder, arguments: started.append(list(arguments)))
    went = client.post(f"/tune/{NAME}/resume", follow_redirects=False)
    assert went.headers["location"] == f"/tune/{NAME}"
    assert started == [["tune", "resume", str(folder)]]


def test_text_of_the_model_is_never_markup(client: TestClient) -> None:
    a_run(texts=("<script>alert(1)</script>", "<b>好</b>", "<b>好</b>"))
    page = client.get(f"/tune/{NAME}").text
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_start_passes_on_what_was_chosen(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(runs, "_spawn", lambda folder, arguments: started.append(list(arguments)))
    monkeypatch.setattr(
        runs, "_read", lambda folder: runs.TuningRun("20260101-000000", folder, "running", {}, {})
    )
    form = {"preset": "tiny", "minutes": "7.5", "engine": "fencun"}
    went = client.post("/tune/start", data=form, follow_redirects=False)
    assert went.headers["location"] == "/tune/20260101-000000"
    [arguments] = started
    assert arguments[:3] == ["tune", "run", "--out"]
    assert arguments[4:] == [
        "--preset", "tiny", "--engine", "fencun", "--minutes", "7.5",
        "--base", str(tmp_path / "some-base"), "--scenario", "spring_festival",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        {"preset": "huge"},
        {"preset": "tiny", "minutes": "-1"},
        {"preset": "tiny", "minutes": "nan"},
        {"preset": "tiny", "minutes": "x"},
        {"preset": "tiny", "base": "/etc"},
        {"preset": "tiny", "engine": "--help"},
    ],
)
def test_nonsense_starts_nothing(client: TestClient, form: dict[str, str]) -> None:
    answer = client.post("/tune/start", data=form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert runs.all_runs() == []


def test_the_plan_is_kept_and_shown(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, scenario: Scenario
) -> None:
    estimate = {
        "preset": "quick", "samples": 900, "tokens": 1, "steps": 120, "fits": True,
        "seconds": [1500, 1800, 2100], "memory": 6 << 30, "disk": 1 << 30,
    }  # fmt: skip
    asked: list[list[str]] = []

    async def measured(arguments: list[str]) -> dict[str, Any]:
        asked.append(list(arguments))
        machine = {"cores": 2, "gpu": ""}
        notes = [["没有 bf16。", "No bf16."]]
        return {"machine": machine, "estimates": [estimate], "take": "quick", "notes": notes}

    monkeypatch.setattr(background, "ask", measured)
    page = client.post("/tune/plan", data={}).text
    assert asked[0][:3] == ["tune", "plan", "--json"]
    assert "30 分钟" in page
    assert "25 分钟–35 分钟" in page
    assert "6.0 GiB" in page
    assert "没有 bf16。" in page
    assert "建议" in client.get("/tune").text


def test_what_is_missing_is_said_with_what_to_do(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FENCUN_MODEL", str(tmp_path / "none.gguf"))
    monkeypatch.setattr(tuning, "missing", lambda extra: ["torch"])
    page = client.get("/tune").text
    assert "install &#39;fencun[tune]&#39;" in page
    assert "fencun model fetch" in page
    assert "开始训练" not in page


def test_compare_shows_both_and_refuses_who_is_not_there(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_run()
    asked: list[list[str]] = []

    async def written(arguments: list[str]) -> list[dict[str, Any]]:
        asked.append(list(arguments))
        fault = {"gate": "cliche", "severity": "fault", "message": "套话"}
        return [
            {"name": "x", "text": "左边写的", "findings": []},
            {"name": "base", "text": "右边写的", "findings": [fault]},
        ]

    monkeypatch.setattr(background, "ask", written)
    form = {"left": f"run-{NAME}", "right": "base", **web_app.BRIEF}
    page = client.post("/tune/compare", data=form).text
    assert page.index("左边写的") < page.index("右边写的") < page.index("套话")
    assert asked[0][:5] == ["tune", "compare", "--json", str(folder), "base"]
    assert f"--ask=salutation={web_app.BRIEF['salutation']}" in asked[0]
    for wrong in ({"left": "/etc"}, {"left": f"run-{NAME}", "right": "base", "salutation": ""}):
        answer = client.post("/tune/compare", data={"right": "base", **wrong})
        assert answer.status_code in (400, 422)
        assert 'role="alert"' in answer.text
    assert len(asked) == 1


def test_others_neither_see_nor_steer(scenario: Scenario) -> None:
    a_run()
    with web_app.client(web_app.app(scenario)) as stranger:
        for path in ("/tune", f"/tune/{NAME}", f"/tune/{NAME}/view", "/tune/compare"):
            refused = stranger.get(path)
            assert refused.status_code == 403
            assert NAME not in refused.text
            assert "fencun token link" in refused.text
        for path in ("start", "plan", "compare", f"{NAME}/stop", f"{NAME}/resume"):
            assert stranger.post(f"/tune/{path}").status_code == 403


def test_an_unknown_run_is_404(client: TestClient) -> None:
    assert client.get("/tune/20990101-000000").status_code == 404
    assert client.post("/tune/..%2f..%2fetc/stop").status_code == 404
