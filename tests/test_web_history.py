"""The page 记录: what this browser wrote and did; used again, or deleted for good."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import web_app
from fastapi.testclient import TestClient

from fencun.scenario import Scenario


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        client.get("/")
        yield client


def write(client: TestClient, **more: str) -> dict:  # type: ignore[type-arg]
    written: dict = client.post(  # type: ignore[type-arg]
        "/api/write", json={"brief": {**web_app.BRIEF, **more}}
    ).json()
    return written


def test_empty_history_leads_to_the_form(client: TestClient) -> None:
    page = client.get("/history").text
    assert "还没有写过" in page
    assert "清空" not in page


def test_what_was_asked_answered_and_done_is_shown(client: TestClient) -> None:
    written = write(client)
    first, second, third = written["candidates"]

    def tell(candidate: dict, kind: str, text: str | None = None) -> None:  # type: ignore[type-arg]
        body = {"id": uuid4().hex, "candidate": candidate["id"], "kind": kind, "text": text}
        assert client.post("/api/events", json=body).status_code == 201

    tell(first, "edited", "王老师，我自己改的一句。")
    tell(first, "copied")
    tell(second, "liked")
    tell(second, "unrated")
    tell(third, "disliked")
    tell(third, "card", "plum")
    page = client.get("/history").text
    assert "写给 王老师" in page
    assert "高中班主任" in page
    assert "王老师，我自己改的一句。" in page
    assert first["text"] not in page
    assert second["text"] in page
    assert page.count("改过") == page.count("复制过") == 1
    assert "觉得不好" in page
    assert '<span class="tag">觉得好' not in page
    assert "做过贺卡" in page


def test_a_writing_fills_the_form_again_for_its_owner_only(client: TestClient) -> None:
    written = write(client, length="50字以内")
    page = client.get("/", params={"again": written["id"]}).text
    assert 'value="50字以内"' in page
    assert 'value="高中班主任"' in page
    client.cookies.clear()
    assert 'value="50字以内"' not in client.get("/", params={"again": written["id"]}).text
    assert client.get("/", params={"again": "x" * 5000}).status_code == 200


def test_deleting_one_leaves_the_others_and_clearing_leaves_none(client: TestClient) -> None:
    one, other = write(client), write(client, salutation="李总", relation="领导")
    left = client.post("/history/delete", data={"id": one["id"]})
    assert left.url.path == "/history"
    assert "写给 李总" in left.text
    assert "写给 王老师" not in left.text
    assert other["id"] in left.text
    assert "还没有写过" in client.post("/history/delete").text


def test_a_stranger_deletes_nothing(client: TestClient) -> None:
    write(client)
    cookies = dict(client.cookies)
    client.cookies.clear()
    client.post("/history/delete")
    client.cookies.clear()
    for name, value in cookies.items():
        client.cookies.set(name, value)
    assert "写给 王老师" in client.get("/history").text


def test_old_records_are_on_further_pages(client: TestClient) -> None:
    for _ in range(22):
        write(client)
    page = client.get("/history").text
    assert page.count('class="sheet entry"') == 20
    link = page.split('href="/history?before=')[1].split('"')[0]
    rest = client.get(f"/history?before={link}").text
    assert rest.count('class="sheet entry"') == 2
    assert "清空" not in rest
    assert client.get("/history", params={"before": "x"}).status_code == 422
