"""The page 种子: written, mended, kept while typed, exported; the scenario's file untouched."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import web_app
from fastapi.testclient import TestClient

from fencun.data.check import check
from fencun.scenario import Scenario
from fencun.store.writings import new_id

FIELDS = {
    "salutation": "王老师",
    "relation": "老师导师",
    "detail": "高三晚自习后常留下来给我讲数学题",
    "occasion": "除夕",
    "style": "真诚走心",
    "length": "短",
    "text": web_app.GOOD,
    "why": "粉笔灰是两个人都记得的",
}


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        client.get("/")  # a browser gets its id with its first page
        yield client


def put(client: TestClient, seed: str, base: int = 0, **more: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    fields = {**FIELDS, **{k: v for k, v in more.items() if k not in ("id", "author")}}
    body = {"id": more.get("id", new_id()), "fields": fields, "base": base,
            "author": more.get("author", "")}  # fmt: skip
    answer = client.put(f"/api/seeds/{seed}", json=body)
    return answer.status_code, answer.json()


def sketch(client: TestClient, identity: str, turn: int = 1, **fields: str) -> dict:  # type: ignore[type-arg]
    body = {"fields": fields, "seed": "", "turn": turn}
    told: dict = client.put(f"/api/sketches/{identity}", json=body).json()  # type: ignore[type-arg]
    return told


def test_the_page_shows_the_map_what_is_missing_and_a_list(client: TestClient) -> None:
    page = client.get("/seeds").text
    assert 'class="heat"' in page
    assert "再写" in page
    assert page.count('class="sheet seed"') == 20
    assert "648 条" in page
    assert 'href="seeds?relation=' in page, "beside this page, whatever scenario that is in"
    assert 'style="' not in page  # the content policy would refuse it


def test_a_thin_cell_fills_the_form_in(client: TestClient) -> None:
    page = client.get("/seeds", params={"relation": "岳父母公婆", "occasion": "小年"}).text
    assert '<option value="岳父母公婆" selected>' in page
    assert '<option value="小年" selected>' in page
    assert client.get("/seeds", params={"relation": "外星人", "page": "x"}).status_code == 200


def test_a_list_is_searched_by_relation_words_and_who_wrote(client: TestClient) -> None:
    put(client, "w1", author="老周")
    by_relation = client.get("/seeds", params={"relation": "客户"}).text
    assert "21 条" in by_relation
    assert by_relation.count("· 客户") or by_relation.count("客户 ·")
    assert "1 条" in client.get("/seeds", params={"q": "粉笔灰落一袖子"}).text
    own = client.get("/seeds", params={"own": "1"}).text
    assert own.count('class="sheet seed"') == 1
    assert "这里写的 · 老周" in own
    assert "还没有种子" in client.get("/seeds", params={"q": "没有这样的字"}).text


def test_saving_answers_with_the_version_and_changes_no_file(
    client: TestClient, scenario: Scenario
) -> None:
    before = (scenario.folder / "seeds.jsonl").read_bytes()
    assert put(client, "w1") == (200, {"seed": "w1", "version": 1})
    assert put(client, "w1", base=1, text=web_app.TEXTS[1])[1]["version"] == 2
    assert put(client, "s0001")[1]["version"] == 1
    assert (scenario.folder / "seeds.jsonl").read_bytes() == before
    rows = client.get("/api/seeds", params={"own": True}).json()["seeds"]
    assert [(row["id"], row["shipped"]) for row in rows] == [("w1", False), ("s0001", True)]
    assert rows[0]["text"] == web_app.TEXTS[1]


def test_what_is_wrong_is_told_with_its_field(client: TestClient) -> None:
    status, told = put(client, "w1", relation="外星人")
    assert (status, told["error"]["field"]) == (422, "relation")
    status, told = put(client, "w1", text=" ")
    assert (status, told["error"]["field"]) == (422, "text")
    assert put(client, "没有这样的号")[0] == 422
    assert put(client, "w1", base=7)[1]["error"]["code"] == "stale"
    assert client.get("/api/seeds", params={"own": True}).json()["seeds"] == []


def test_deleting_and_undoing(client: TestClient) -> None:
    assert client.delete("/api/seeds/s0001").json()["version"] == 1
    assert client.get("/seeds", params={"edit": "s0001"}).status_code == 404
    assert client.delete("/api/seeds/s0001").status_code == 404
    body = {"id": new_id(), "author": ""}
    told = [client.post("/api/seeds/s0001/undo", json=body).json() for _ in range(2)]
    assert told[0] == told[1] == {"seed": "s0001", "version": 2, "deleted": False}
    assert client.get("/seeds", params={"edit": "s0001"}).status_code == 200


def test_gates_answer_while_one_types(client: TestClient) -> None:
    identity = new_id()
    half = sketch(client, identity, salutation="王老师", text="王老师，过年好。")
    assert half["kept"]
    assert half["passed"] is None
    assert half["field"] == "relation"
    assert half["count"] == 8
    whole = sketch(client, identity, 2, **FIELDS)
    assert whole["passed"]
    assert whole["gates"] == []
    wrong = sketch(client, identity, 3, **{**FIELDS, "text": FIELDS["text"].replace("您", "你")})
    assert not wrong["passed"]
    assert any("您" in gate["message"] for gate in wrong["gates"])


def test_a_grave_detail_is_pointed_out(client: TestClient) -> None:
    told = sketch(client, new_id(), **{**FIELDS, "detail": "他去年离婚，我陪他喝了一夜"})
    assert {"name": "离婚分手", "handling": "不提"} in told["topics"]


def test_a_line_that_another_seed_says_already_is_told(
    client: TestClient, scenario: Scenario
) -> None:
    line = json.loads((scenario.folder / "seeds.jsonl").read_text("utf-8").splitlines()[0])
    fields = {k: v for k, v in line.items() if isinstance(v, str) and k != "id"}
    (found,) = [g for g in sketch(client, new_id(), **fields)["gates"] if g["gate"] == "overlap"]
    assert "s0001" in found["message"]
    assert found["severity"] == "fault"
    assert found["end"] - found["start"] > 20
    body = {"fields": fields, "seed": "s0001", "turn": 1}
    itself = client.put(f"/api/sketches/{new_id()}", json=body).json()
    assert [g for g in itself["gates"] if g["gate"] == "overlap"] == []
    put(client, "w1")
    told = sketch(client, new_id(), **{**FIELDS, "text": f"{FIELDS['text']}早点睡。"})
    assert any("w1" in gate["message"] for gate in told["gates"])


def test_a_seed_that_repeats_a_draft_is_told_while_typing(
    client: TestClient, scenario: Scenario
) -> None:
    drafts = (scenario.folder / "drafts.jsonl").read_text("utf-8").splitlines()
    for line in (json.loads(drafts[0]), json.loads(drafts[-1])):
        typed = f"{line['text'][: len(line['text']) // 2]}，别的您都别操心。"
        told = sketch(client, new_id(), **{**FIELDS, "text": typed})
        (found,) = [gate for gate in told["gates"] if gate["gate"] == "overlap"]
        assert line["id"] in found["message"]
        assert found["start"] == 0
        assert found["severity"] == "fault"


def test_a_sketch_belongs_to_its_browser_and_goes_with_its_seed(client: TestClient) -> None:
    identity = new_id()
    sketch(client, identity, **FIELDS)
    page = client.get("/seeds").text
    assert "没写完的" in page
    assert f"/seeds?sketch={identity}#write" in page
    filled = client.get("/seeds", params={"sketch": identity}).text
    assert FIELDS["text"] in filled
    assert f'data-sketch="{identity}"' in filled
    cookies = dict(client.cookies)
    client.cookies.clear()
    assert identity not in client.get("/seeds").text
    client.cookies.clear()
    client.cookies.update(cookies)
    put(client, "w1", id=identity)
    assert identity not in client.get("/seeds").text
    assert not sketch(client, identity, 9, **FIELDS)["kept"]  # it came late


def test_a_sketch_thrown_away_is_gone(client: TestClient) -> None:
    identity = new_id()
    sketch(client, identity, **FIELDS)
    assert client.delete(f"/api/sketches/{identity}").json() == {"dropped": True}
    assert identity not in client.get("/seeds").text


def test_the_export_is_what_the_command_line_checks(
    client: TestClient, scenario: Scenario, tmp_path: Path
) -> None:
    put(client, "w1")
    put(client, "s0002", text=web_app.TEXTS[2])
    client.delete("/api/seeds/s0003")
    answer = client.get("/seeds/seeds.jsonl")
    assert answer.headers["content-disposition"] == 'attachment; filename="seeds.jsonl"'
    path = tmp_path / "seeds.jsonl"
    path.write_bytes(answer.content)
    rows = {row["id"]: row for row in map(json.loads, path.read_text("utf-8").splitlines())}
    assert len(rows) == 648
    assert rows["s0002"]["text"] == web_app.TEXTS[2]
    assert rows["w1"]["why"] == FIELDS["why"]
    assert "s0003" not in rows
    assert [r for r in check(scenario, [path]).remarks if r.finding.gate == "record"] == []
    own = client.get("/seeds/seeds.jsonl", params={"own": True}).text.splitlines()
    assert [json.loads(line)["id"] for line in own] == ["s0002", "w1"]
    lineage = [json.loads(line) for line in client.get("/seeds/lineage.jsonl").text.splitlines()]
    assert {row["seed"] for row in lineage} == {"w1", "s0002", "s0003"}
    assert all(row["replaces"] for row in lineage if row["seed"] != "w1")


def test_without_javascript_the_form_saves_and_the_buttons_work(client: TestClient) -> None:
    bad = client.post("/seeds", data={**FIELDS, "relation": "", "author": "老周"})
    assert bad.status_code == 422
    assert FIELDS["text"] in bad.text  # nothing typed is lost
    assert 'aria-invalid="true"' in bad.text
    saved = client.post("/seeds", data={**FIELDS, "author": "老周"})
    assert saved.status_code == 200
    seed = saved.url.params["saved"]
    assert f"存下了，编号 {seed}" in saved.text
    assert 'value="老周"' in saved.text  # the name is remembered
    deleted = client.post("/seeds/delete", data={"seed": seed})
    assert f"删掉了 {seed}" in deleted.text
    client.post("/seeds/undo", data={"seed": seed})
    assert client.get("/seeds", params={"edit": seed}).status_code == 200


def test_what_is_typed_is_never_markup(client: TestClient) -> None:
    nasty = "<script>alert(1)</script>王老师，给您拜年了，{{7*7}}天冷您少站风口，多保重身体。"
    put(client, "w1", text=nasty, why='"><img src=x>', author="<b>甲</b>")
    page = client.get("/seeds", params={"own": "1", "q": "<script>"}).text
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert "<b>甲" not in page
    assert "{{7*7}}" in page


def test_too_much_is_refused(client: TestClient) -> None:
    body = {"fields": {f"f{n}": "x" for n in range(41)}, "seed": "", "turn": 1}
    assert client.put(f"/api/sketches/{new_id()}", json=body).status_code == 422
    body = {"fields": {"text": "x" * 4001}, "seed": "", "turn": 1}
    assert client.put(f"/api/sketches/{new_id()}", json=body).status_code == 422
    assert client.put("/api/sketches/short", json=body).status_code == 422
