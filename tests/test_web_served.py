"""One server, several scenarios: each address tells its own, and what is saved is there at once."""

import re
from pathlib import Path

import httpx
import pytest
import web_app

from fencun.adapter import Adapter
from fencun.author.new import make
from fencun.home import own_scenarios_dir
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario

NOTE = """\
name: note
title: 便条
dimensions:
  - {name: what, label: 说什么, role: detail}
"""


@pytest.fixture
def note(own_home: Path) -> Path:
    """A scenario of one's own: its file."""
    path = own_scenarios_dir() / "note" / "scenario.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(NOTE, encoding="utf-8")
    return path


def shown(client: httpx.Client, path: str) -> httpx.Response:
    return client.get(path, headers={"Accept": "text/html"})


def test_each_address_is_about_its_own_scenario_and_all_lead_to_one_another(
    scenario: Scenario, note: Path
) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        first, other = shown(client, "/"), shown(client, "/s/note/")
        assert "<h1>写祝福</h1>" in first.text
        assert "<h1>写便条</h1>" in other.text
        assert 'href="/s/note/history"' in shown(client, "/history").text
        assert 'href="/history"' in shown(client, "/s/note/history").text
        links = re.findall(r'<a[^>]* href="([^"#]*)"', other.text.partition("<nav")[2])
        assert links
        assert all(link.startswith("/s/note/") for link in links), links
        assert 'action="/s/note/"' in other.text
        assert client.get("/s/note/api/scenario").json()["name"] == "note"
        assert client.get("/api/scenario").json()["name"] == "spring_festival"


def test_what_is_written_belongs_to_its_scenario_and_the_history_tells_of_all(
    scenario: Scenario, note: Path
) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        shown(client, "/")
        wrote = client.post("/s/note/", data={"what": "钥匙在门垫下"})
        assert wrote.status_code == 200
        client.post("/api/write", json={"brief": web_app.BRIEF})
        page = shown(client, "/history").text
        assert "钥匙在门垫下" in page
        assert "便条" in page
        assert "写给 王老师" in page
        again = re.search(r'href="(/s/note/\?again=[^"]*)"', page)
        assert again
        assert "钥匙在门垫下</textarea>" in shown(client, again[1]).text
        kept = client.get("/s/note/api/history").json()["writings"]
        candidate = kept[-1]["candidates"][0]
        body = {"candidate": candidate["id"], "change": "redraw", "text": candidate["text"]}
        assert client.post("/api/rewrite", json=body).status_code == 404
        assert client.post("/s/note/api/rewrite", json=body).status_code == 200


def test_who_is_sent_on_stays_in_the_scenario(scenario: Scenario, note: Path) -> None:
    with web_app.client(web_app.app(scenario, closed=True)) as client:
        sent = client.get(
            "/s/note/seeds?q=1", headers={"Accept": "text/html"}, follow_redirects=False
        )
        assert sent.headers["location"] == "/s/note/enter?to=/seeds%3Fq%3D1"
        elsewhere = client.get("/enter?to=//evil.example/", follow_redirects=False)
        assert "//evil.example" not in elsewhere.text


def test_a_file_that_is_saved_is_there_at_the_next_request(scenario: Scenario, note: Path) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        assert "<h1>写便条</h1>" in shown(client, "/s/note/").text
        note.write_text(NOTE.replace("便条", "留言"), encoding="utf-8")
        assert "<h1>写留言</h1>" in shown(client, "/s/note/").text
        assert "留言" in shown(client, "/").text
        (made := make("reply", "reply"))
        assert client.get(f"/s/{made.name}/api/scenario").status_code == 200


def test_a_broken_file_leaves_the_last_good_one_and_says_where_and_how(
    scenario: Scenario, note: Path
) -> None:
    broken = NOTE.replace("label:", "lable:")
    with web_app.client(web_app.app(scenario)) as client:
        assert shown(client, "/s/note/").status_code == 200
        note.write_text(broken, encoding="utf-8")
        page = shown(client, "/s/note/")
        assert page.status_code == 200
        assert "<h1>写便条</h1>" in page.text
        assert "第 4 行" in page.text
        assert "label" in page.text
        assert client.post("/s/note/", data={"what": "钥匙在门垫下"}).status_code == 200
        assert "有错" in shown(client, "/").text
        note.write_text(NOTE, encoding="utf-8")
        assert "第 4 行" not in shown(client, "/s/note/").text


def test_one_that_was_never_right_says_so_and_costs_no_other(
    scenario: Scenario, note: Path
) -> None:
    note.write_text(NOTE.replace("label:", "lable:"), encoding="utf-8")
    with web_app.client(web_app.app(scenario)) as client:
        page = shown(client, "/s/note/")
        assert page.status_code == 400
        assert "第 4 行" in page.text
        assert shown(client, "/").status_code == 200
        names = {model["id"] for model in client.get("/v1/models").json()["data"]}
        assert "review_reply/prompt" in names
        assert not any(name.startswith("note/") for name in names)


def test_the_first_scenario_is_read_again_too(own_home: Path, note: Path) -> None:
    from fencun.scenario import load_scenario

    with web_app.client(web_app.app(load_scenario(note))) as client:
        note.write_text(NOTE.replace("便条", "留言"), encoding="utf-8")
        assert "<h1>写留言</h1>" in shown(client, "/").text
        note.write_text("name: note\n", encoding="utf-8")
        assert "<h1>写留言</h1>" in shown(client, "/").text
        assert client.get("/ready").status_code in (200, 503)  # not the scenario's affair
        assert client.get("/health").status_code == 200


def test_a_name_that_is_not_there_is_told_with_those_that_are(
    scenario: Scenario, note: Path
) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        for name in ("nothing", "..", "%2e%2e", "note%2f..%2fnote"):
            page = shown(client, f"/s/{name}/seeds")
            assert page.status_code in (200, 404), name
        told = shown(client, "/s/nothing/seeds").text
        assert "便条" in told
        assert client.get("/s/nothing/api/scenario").json()["error"]["code"] == "scenario"


def test_two_of_one_name_do_not_share_their_data(scenario: Scenario, note: Path) -> None:
    copy = own_scenarios_dir() / "another" / "scenario.yaml"
    copy.parent.mkdir()
    copy.write_text(NOTE, encoding="utf-8")
    with web_app.client(web_app.app(scenario)) as client:
        assert shown(client, "/s/another/").status_code == 200
        refused = shown(client, "/s/note/")
        assert refused.status_code == 400
        assert str(copy) in refused.text


def test_a_model_is_named_by_its_scenario(scenario: Scenario, note: Path) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        answer = client.post(
            "/v1/chat/completions",
            json={"model": "note/prompt", "messages": [{"role": "user", "content": "说什么：在"}]},
        )
        assert answer.status_code == 200
        assert answer.json()["model"] == "note/prompt"
        assert client.get("/s/note/api/history").json()["writings"][0]["model"]


def test_an_adapter_speaks_for_its_own_scenario_and_the_page_says_where_none_does(
    scenario: Scenario, note: Path, tmp_path: Path
) -> None:
    adapter = Adapter(
        base="base", base_sha256="0" * 64, sha256="1" * 64, folder=scenario.folder / "adapter"
    )
    engine = FakeEngine(web_app.TEXTS, has_adapter=True)
    with web_app.client(web_app.app(scenario, engine, adapter=adapter)) as client:
        own = client.get("/api/scenario").json()
        assert own["default_arm"] == "tuned"
        other = client.get("/s/note/api/scenario").json()
        assert other["default_arm"] == "prompt"
        assert "tuned" not in other["arms"]
        assert "没有自己的适配器" in shown(client, "/s/note/").text
        assert "适配器" not in shown(client, "/").text
