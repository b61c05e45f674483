"""The page 审阅 over HTTP: uploads, opinions, conflicts, what was set aside, exports."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import web_app
from fastapi.testclient import TestClient

from fencun.data.check import check
from fencun.scenario import Scenario
from fencun.store import intake
from fencun.store.writings import new_id

BRIEF = {
    "salutation": "王老师",
    "relation": "老师导师",
    "detail": "高三晚自习后常留下来给我讲数学题",
    "occasion": "除夕",
    "style": "真诚走心",
    "length": "短",
}
CLICHE = "王老师，祝您身体健康、万事如意、阖家欢乐、心想事成，给您拜年了，多多保重。"


def line(number: int, text: str, **more: object) -> str:
    row = {"id": f"n{number}", "parent": "s0394", **BRIEF, "text": text, **more}
    return json.dumps(row, ensure_ascii=False)


LINES = [
    line(1, web_app.GOOD),
    line(2, web_app.TEXTS[1]),
    "{坏的",
    line(4, CLICHE),
    line(5, web_app.TEXTS[2], relation="外星人"),
]


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        yield client


def upload(client: TestClient, lines: list[str] = LINES, name: str = "一批.jsonl") -> str:
    data = "\n".join(lines).encode()
    answer = client.post("/review", files={"file": (name, data)})
    assert answer.status_code == 200, answer.text
    return answer.url.path.rsplit("/", 1)[1]


def following(client: TestClient, batch: str, who: str, after: int = 0) -> dict:  # type: ignore[type-arg]
    params: dict[str, str | int] = {"reviewer": who, "after": after}
    told: dict = client.get(f"/api/reviews/{batch}/next", params=params).json()  # type: ignore[type-arg]
    return told


def say(client: TestClient, batch: str, who: str, decision: str, **more: object) -> dict:  # type: ignore[type-arg]
    draft = following(client, batch, who)["draft"]
    body = {
        "id": new_id(), "draft": draft["id"], "reviewer": who, "decision": decision,
        "text": draft["text"], **more,
    }  # fmt: skip
    answer = client.post(f"/api/reviews/{batch}", json=body)
    assert answer.status_code == 200, answer.text
    told: dict = answer.json()  # type: ignore[type-arg]
    return told


def test_an_upload_tells_every_line_it_could_not_take(client: TestClient) -> None:
    batch = upload(client)
    (told,) = client.get("/api/reviews").json()["batches"]
    assert (told["id"], told["name"], told["total"], told["unusable"]) == (
        batch,
        "一批.jsonl",
        3,
        2,
    )
    assert told["states"]["aside"] == 1
    page = client.get(f"/review/{batch}/unusable").text
    assert "<td>3</td>" in page
    assert "<td>5</td>" in page
    assert "外星人" in page
    aside = client.get(f"/review/{batch}/aside").text
    assert CLICHE in aside
    assert 'class="fault"' in aside


def test_an_upload_of_nothing_usable_takes_nothing(client: TestClient) -> None:
    answer = client.post("/review", files={"file": ("a.jsonl", b"{}\n[1]\n")})
    assert answer.status_code == 422
    assert "第 1 行" in answer.text
    assert client.post("/review", files={"file": ("a.jsonl", b"")}).status_code == 422
    assert client.post("/review", data={}).status_code == 422
    assert client.get("/api/reviews").json()["batches"] == []


def test_a_file_larger_than_allowed_is_refused_before_it_is_read(client: TestClient) -> None:
    data = b"x" * ((8 << 20) + (65 << 10))
    assert client.post("/review", files={"file": ("a.jsonl", data)}).status_code == 413
    assert client.put(f"/api/seeds/{new_id()}", content=b"x" * 70_000).status_code == 413


def test_another_site_cannot_upload(client: TestClient) -> None:
    answer = client.post(
        "/review",
        files={"file": ("a.jsonl", LINES[0].encode())},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403


def test_a_reviewer_sees_the_draft_but_not_what_the_other_thinks(client: TestClient) -> None:
    batch = upload(client)
    say(client, batch, "老周", "accept")
    told = following(client, batch, "小吴")
    assert told["draft"]["text"] == web_app.GOOD
    assert ["关系", "老师导师"] in told["draft"]["lines"]
    assert told["draft"]["parent"]["id"] == "s0394"
    assert told["draft"]["parent"]["text"]
    assert told["draft"]["passed"]
    assert "老周" not in json.dumps(told["draft"], ensure_ascii=False)
    assert (told["left"], told["mine"], told["last"]) == (2, 0, None)


def test_two_accept_edit_and_export(client: TestClient, scenario: Scenario, tmp_path: Path) -> None:
    batch = upload(client)
    edited = web_app.TEXTS[4]
    say(client, batch, "老周", "accept")
    say(client, batch, "老周", "edit", text=edited)
    assert say(client, batch, "小吴", "accept")["states"]["accepted"] == 1
    second = following(client, batch, "小吴")["draft"]
    assert (second["text"], second["edited_by"]) == (edited, "老周")
    assert second["original"] == web_app.TEXTS[1]
    told = say(client, batch, "小吴", "accept")
    assert told["draft"] is None
    assert told["decided"] == 2
    answer = client.get(f"/review/{batch}/accepted.jsonl")
    assert 'filename="accepted.jsonl"' in answer.headers["content-disposition"]
    rows = [json.loads(row) for row in answer.text.splitlines()]
    assert [(row["id"], row["parent"], row["text"]) for row in rows] == [
        ("n1", "s0394", web_app.GOOD), ("n2", "s0394", edited),
    ]  # fmt: skip
    path = tmp_path / "accepted.jsonl"
    path.write_bytes(answer.content)
    assert check(scenario, [path]).faults == []
    log = client.get(f"/review/{batch}/reviews.jsonl").text.splitlines()
    assert [json.loads(row)["decision"] for row in log] == ["accept", "edit", "accept", "accept"]


def test_a_rejection_needs_a_reason_that_is_counted(client: TestClient) -> None:
    batch = upload(client)
    draft = following(client, batch, "老周")["draft"]
    body = {"id": new_id(), "draft": draft["id"], "reviewer": "老周", "decision": "reject",
            "text": draft["text"]}  # fmt: skip
    assert client.post(f"/api/reviews/{batch}", json=body).status_code == 409
    body["reason"] = "no such reason"
    assert client.post(f"/api/reviews/{batch}", json=body).status_code == 422
    told = say(client, batch, "老周", "reject", reason="copied")
    assert told["reasons"]["copied"] == 1
    assert "照抄细节" in client.get(f"/review/{batch}/rejected").text


def test_undo_gives_the_draft_back(client: TestClient) -> None:
    batch = upload(client)
    told = say(client, batch, "老周", "reject", reason="cliche")
    last = told["last"]
    assert told["draft"]["id"] != last
    for _ in range(2):  # a lost answer is asked for again
        body = {"draft": last, "reviewer": "老周"}
        undone = client.post(f"/api/reviews/{batch}/undo", json=body).json()
        assert undone["draft"]["id"] == last
        assert undone["reasons"]["cliche"] == 0
        assert undone["last"] is None


def test_a_conflict_is_shown_and_settled_on_a_page_without_javascript(client: TestClient) -> None:
    batch = upload(client)
    say(client, batch, "老周", "accept")
    told = say(client, batch, "小吴", "reject", reason="unlike")
    assert told["states"]["conflict"] == 1
    draft = told["last"]
    page = client.get(f"/review/{batch}/conflict").text
    assert "老周" in page
    assert "不像人说的话" in page
    assert "settle" not in page  # nobody is introduced yet
    client.post("/review/name", data={"name": "阿兰", "batch": batch})
    assert "收下原文" in client.get(f"/review/{batch}/conflict").text
    form = {"draft": draft, "decision": "accept", "text": web_app.GOOD}
    left = client.post(f"/review/{batch}/settle", data=form)
    assert "没有分歧" in left.text
    assert web_app.GOOD in client.get(f"/review/{batch}/accepted").text


def test_what_was_set_aside_is_brought_back(client: TestClient) -> None:
    batch = upload(client, [LINES[3]])
    assert following(client, batch, "老周")["draft"] is None
    client.post("/review/name", data={"name": "老周"})
    page = client.get(f"/review/{batch}/aside").text
    draft = page.split('name="draft" value="')[1].split('"')[0]
    client.post(f"/review/{batch}/back", data={"draft": draft, "kind": "aside"})
    told = following(client, batch, "老周")
    assert told["draft"]["brought_back_by"] == "老周"
    assert not told["draft"]["passed"]
    body = {"draft": draft, "reviewer": "老周"}
    assert client.post(f"/api/reviews/{batch}/back", json=body).status_code == 409


def test_the_queue_asks_for_a_name_first_and_remembers_it(client: TestClient) -> None:
    batch = upload(client)
    assert "先写个名字" in client.get(f"/review/{batch}").text
    page = client.post("/review/name", data={"name": "  老 周 ", "batch": batch}).text
    assert 'data-name="老 周"' in page
    assert client.get("/review").status_code == 200
    assert client.post("/review/name", data={"name": "x", "batch": "//evil"}).url.path == "/review"


def test_names_files_and_texts_are_never_markup(client: TestClient) -> None:
    nasty = "<script>alert(1)</script>"
    batch = upload(client, [line(1, f"王老师，给您拜年了{nasty}"), LINES[1]], f"{nasty}.jsonl")
    client.post("/review/name", data={"name": nasty})
    say(client, batch, nasty, "accept")
    for page in ("", "/conflict", "/aside", "/accepted"):
        assert "<script>alert" not in client.get(f"/review/{batch}{page}").text
    assert "<script>alert" not in client.get("/review").text


def test_what_is_not_there_is_told(client: TestClient) -> None:
    unknown = new_id()
    for path in ("", "/conflict", "/accepted.jsonl", "/reviews.jsonl"):
        assert client.get(f"/review/{unknown}{path}").status_code == 404
    assert client.get(f"/review/{unknown}/nothing").status_code == 422
    assert client.get(f"/api/reviews/{unknown}/next", params={"reviewer": "x"}).status_code == 404


def test_the_scenarios_own_drafts_are_a_queue_to_practise_on(
    client: TestClient, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (scenario.folder / "drafts.jsonl").read_bytes()
    batch = client.post("/review/practice").url.path.rsplit("/", 1)[1]
    monkeypatch.setattr(intake, "read_batch_anew", None)  # what is there is not read again
    again = client.post("/review/practice").url.path.rsplit("/", 1)[1]
    assert batch == again
    (told,) = client.get("/api/reviews").json()["batches"]
    assert told["total"] + told["unusable"] == len(before.splitlines())
    assert told["states"]["open"] > 2000
    say(client, batch, "老周", "accept")
    assert (scenario.folder / "drafts.jsonl").read_bytes() == before
