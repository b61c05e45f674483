"""The page 场景: what is declared, what a model is told, what the gates say; there and back."""

import html
import io
import zipfile

import httpx
import pytest
import web_app
from test_author_pack import NOTE, zipped

from fencun.brief import parse_brief
from fencun.home import own_scenarios_dir
from fencun.models.fake import FakeEngine
from fencun.prompt import instructions, messages
from fencun.scenario import Scenario, load_scenario


def shown(client: httpx.Client, path: str) -> str:
    page = client.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200, page.text[-500:]
    return html.unescape(page.text)


@pytest.mark.parametrize("name", ["spring_festival", "review_reply"])
def test_what_is_declared_is_there_to_be_read(scenario: Scenario, name: str) -> None:
    declared = load_scenario(name)
    with web_app.client(web_app.app(scenario)) as client:
        page = shown(client, f"/s/{name}/scenario")
    for dimension in declared.dimensions:
        assert dimension.label in page
        for choice in dimension.choices:
            assert choice.value in page
            assert choice.note in page
            assert all(alias in page for alias in choice.aliases)
    for topic in declared.tact:
        assert topic.name in page
        assert all(word in page for word in (*topic.cues, *topic.words, *topic.unfit))
    rules = declared.rules
    assert all(word in page for word in (*rules.cliches, *rules.openings, *rules.matters))
    for case in rules.cases:
        assert case.why in page
        assert all(pattern in page for pattern in (*case.refuse, *case.require))
    assert instructions(declared) in page


def test_the_prompt_of_each_arm_is_word_for_word_what_is_sent(scenario: Scenario) -> None:
    declared = load_scenario("review_reply")
    asked = {**declared.whole_example, "complaint": "汤洒了一半，<b>赔我</b>", "remedy": "可送券"}
    engine = FakeEngine(web_app.TEXTS)
    with web_app.client(web_app.app(scenario, engine)) as client:
        page = client.post("/s/review_reply/scenario/tried", data=asked)
        assert page.status_code == 200
        assert "<b>赔我" not in page.text
        told = html.unescape(page.text)
        brief = parse_brief(declared, asked)
        for arm in ("bare", "prompt"):
            for message in messages(brief, arm):  # type: ignore[arg-type]
                assert f"<pre>{message['content']}</pre>" in told
        whole = html.unescape(client.post("/s/review_reply/scenario", data=asked).text)
        assert told in whole
    assert engine.calls == []


def test_a_text_is_tried_against_the_gates(scenario: Scenario) -> None:
    asked = {**load_scenario("review_reply").whole_example, "remedy": "不能给补偿"}
    with web_app.client(web_app.app(scenario)) as client:

        def tried(text: str) -> str:
            data = {**asked, "text": text}
            return html.unescape(client.post("/s/review_reply/scenario/tried", data=data).text)

        promised = tried("汤洒了是我们没封好，全额退款，再送您一张五百元的券，您点一下就行。")
        assert "没过" in promised
        assert 'class="fault"' in promised
        fine = tried(
            "汤洒了半袋子，是那天用了平口盒、没有分装，这是我们的错。"
            "上周起汤和面分开装，盖子也换了能扣紧的，您再点的时候送到不会是那样。"
        )
        assert "过了所有关卡" in fine, fine
        assert "过了所有关卡" not in tried("")


def test_what_does_not_fit_is_told_at_its_field(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        page = client.post("/scenario/tried", data={"salutation": "王老师", "relation": "火星人"})
        assert 'data-wrong="relation"' in page.text
        assert "<details" not in page.text


def test_only_the_host_brings_one_back(scenario: Scenario) -> None:
    files = {"file": ("note.zip", zipped({"scenario.yaml": NOTE}))}
    with web_app.client(web_app.app(scenario)) as client:
        assert "scenario/upload" not in shown(client, "/scenario")
        assert client.post("/scenario/upload", files=files).status_code == 403
        assert not own_scenarios_dir().exists()
        web_app.enter(client)
        assert "scenario/upload" in shown(client, "/scenario")
        taken = client.post("/scenario/upload", files=files, follow_redirects=False)
        assert taken.headers["location"].startswith("/s/note/scenario?check=1")
        assert "<h1>便条</h1>" in shown(client, taken.headers["location"])
        assert "便条" in shown(client, "/")


def test_what_is_taken_away_is_mended_and_brought_back_in_its_place(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        web_app.enter(client)
        client.post("/scenario/upload", files={"file": ("n.zip", zipped({"scenario.yaml": NOTE}))})
        away = client.get("/s/note/scenario/download")
        assert away.headers["content-disposition"] == 'attachment; filename="note.zip"'
        with zipfile.ZipFile(io.BytesIO(away.content)) as archive:
            mended = archive.read("note/scenario.yaml").replace("便条".encode(), "留言".encode())
        file = {"file": ("n.zip", zipped({"note/scenario.yaml": mended}))}
        refused = client.post("/s/note/scenario/upload", files=file)
        assert refused.status_code == 400
        assert "没有动它" in refused.text
        assert "<h1>便条</h1>" in shown(client, "/s/note/scenario")
        came = client.post(
            "/s/note/scenario/upload", files=file, data={"replace": "1"}, follow_redirects=False
        )
        assert came.headers["location"].startswith("/s/note/scenario?")
        assert "<h1>留言</h1>" in shown(client, "/s/note/scenario")


def test_a_broken_one_is_told_with_its_line_and_changes_nothing(scenario: Scenario) -> None:
    broken = zipped({"scenario.yaml": NOTE.replace("label", "lable")})
    with web_app.client(web_app.app(scenario)) as client:
        web_app.enter(client)
        client.post("/scenario/upload", files={"file": ("n.zip", zipped({"scenario.yaml": NOTE}))})
        page = client.post(
            "/s/note/scenario/upload", files={"file": ("n.zip", broken)}, data={"replace": "1"}
        )
        assert page.status_code == 400
        assert "第 4 行" in page.text
        assert "<h1>便条</h1>" in shown(client, "/s/note/scenario")
        large = client.post("/scenario/upload", files={"file": ("n.zip", b"0" * (10 << 20))})
        assert large.status_code == 413


def test_what_is_wrong_with_it_is_said_when_asked(scenario: Scenario) -> None:
    own = own_scenarios_dir() / "note"
    own.mkdir(parents=True)
    (own / "scenario.yaml").write_text(NOTE, encoding="utf-8")
    with web_app.client(web_app.app(scenario)) as client:
        assert "没有宪章" not in shown(client, "/s/note/scenario")
        assert "没有宪章" in shown(client, "/s/note/scenario?check=1")
