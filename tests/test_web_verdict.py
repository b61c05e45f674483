"""The page 结论: to the host only, the report in a frame of its own, nothing written by looking."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import web_app
from evaluate_study import study_now
from fastapi.testclient import TestClient
from report_case import voted
from test_web_ballot import vote_on

from fencun.evaluate import polling
from fencun.evaluate.blocks import Block
from fencun.evaluate.report import write_report
from fencun.evaluate.study import Study
from fencun.scenario import Scenario
from fencun.store.database import Store


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return study_now(tmp_path, monkeypatch)


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as opened:
        yield web_app.enter(opened)


def address(study: Study) -> str:
    return f"/verdict/{study.registration.fingerprint[:12]}"


def test_without_votes_it_says_how_many_are_missing(client: TestClient, study: Study) -> None:
    shown = client.get("/verdict").text
    assert re.search(r"证据不够：还差 140 票", shown)
    assert "至少相当于 5 位一样勤快的评审人" in shown
    assert 'action="/ballot/open"' in shown
    assert f'value="{study.registration.fingerprint}"' in shown
    opened = client.post("/ballot/open", data={"study": study.registration.fingerprint})
    assert address(study) in opened.text
    shown = client.get(address(study)).text
    assert "投票开着" in shown
    assert 'action="/ballot/open"' not in shown


def test_what_blocks_is_told_and_votes_are_asked_for_only_where_they_help(
    client: TestClient, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    voted(study, 3)
    shown = client.get(address(study)).text
    assert "至少还要 2 位新的评审人" in shown
    assert "没到之前只看进度，不看谁领先" in shown
    assert "人更愿意发哪一组" not in shown
    assert 'action="/ballot/open"' in shown
    hopeless = Block("send", "tuned 的回答会直接发的只有 9%", "9 %", "加票不会变", "no votes")
    monkeypatch.setattr("fencun.evaluate.verdict.blocks", lambda _done, _rules: [hopeless])
    shown = client.get(address(study)).text
    assert "会直接发的只有 9%；加票不会变" in shown
    assert 'action="/ballot/open"' not in shown


def test_without_any_study_it_says_what_to_do(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_HOME", str(tmp_path))
    monkeypatch.setattr("fencun.evaluate.find.scenarios_dir", lambda: tmp_path)
    assert "fencun eval run" in client.get("/verdict").text


def test_votes_decide_and_a_study_is_not_written_to(client: TestClient, study: Study) -> None:
    voted(study, 6)
    before = {path: path.stat().st_mtime_ns for path in study.folder.iterdir()}
    shown = client.get(address(study)).text
    assert "6 位评审人" in shown
    assert "人更愿意发哪一组" in shown
    assert "&lt;b&gt;小王 0&lt;/b&gt;" in shown  # who was too fast is named
    assert client.get(f"{address(study)}/report.html").status_code == 200
    assert {path: path.stat().st_mtime_ns for path in study.folder.iterdir()} == before


def test_votes_in_the_box_count_at_once(client: TestClient, study: Study) -> None:
    client.post("/ballot/open", data={"study": study.registration.fingerprint})
    with Store() as store:
        code = store.read(polling.turnouts)[0].poll.code
    client.post(f"/ballot/{code}/join", data={"name": "阿兰"})
    state = client.get(f"/ballot/{code}/next").json()
    client.post(f"/ballot/{code}/vote", json=vote_on(state["ballot"]))
    client.cookies.clear()
    web_app.enter(client)
    assert "1 位评审人，1 票" in client.get(address(study)).text
    assert not study.votes()


def test_raters_reach_none_of_it(client: TestClient, study: Study) -> None:
    assert 'href="/verdict"' in client.get("/ballot").text
    client.cookies.clear()
    for path in ("/verdict", address(study)):
        refused = client.get(path)
        assert refused.status_code == 403
        assert study.name not in refused.text
    for kind in ("html", "md"):
        refused = client.get(f"{address(study)}/report.{kind}")
        assert refused.status_code == 403
        assert "tuned" not in refused.text
    assert 'href="/verdict"' not in client.get("/ballot").text


def test_who_still_votes_is_shown_no_arm_even_at_home(client: TestClient, study: Study) -> None:
    with Store() as store:
        code = store.write(lambda s: polling.open_poll(s, study, ballots=4)).code
    client.post(f"/ballot/{code}/join", data={"name": "主持人"})
    shown = client.get(address(study)).text
    assert "您还没有评完" in shown
    assert "tuned" not in shown
    assert client.get(f"{address(study)}/report.html").status_code == 403
    state = client.get(f"/ballot/{code}/next").json()
    while state["ballot"]:
        state = client.post(f"/ballot/{code}/vote", json=vote_on(state["ballot"])).json()
    assert "tuned" in client.get(address(study)).text
    assert client.get(f"{address(study)}/report.html").status_code == 200


def test_the_report_lets_nothing_in_but_its_own_style(client: TestClient, study: Study) -> None:
    answer = client.get(f"{address(study)}/report.html")
    styles = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert len(styles) == 1
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert " style=" not in answer.text
    assert "<script" not in answer.text


def test_downloads_are_what_the_command_writes(
    client: TestClient, study: Study, tmp_path: Path
) -> None:
    voted(study, 3)
    html, markdown = write_report(study, tmp_path / "out")
    for path, query in ((html, "?download=true"), (markdown, "")):
        answer = client.get(f"{address(study)}/{path.name}{query}")
        assert answer.content == path.read_bytes()
        assert answer.headers["content-disposition"] == (
            f'attachment; filename="fencun-study{path.suffix}"'
        )


def test_a_study_that_was_changed_says_so(client: TestClient, study: Study) -> None:
    path = study.folder / "answers.jsonl"
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    shown = client.get(address(study))
    assert shown.status_code == 200
    assert "在冻结之后被改过" in shown.text
    assert client.get(f"{address(study)}/report.md").status_code == 400
    assert client.get("/verdict/0123456789ab").status_code == 404
    assert client.get("/verdict/../../etc").status_code == 404
