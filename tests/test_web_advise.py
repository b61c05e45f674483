"""The page 该不该微调: a form that needs no JavaScript, and the same answers as the command."""

from collections.abc import Iterator

import pytest
import web_app
from advice_case import FIT
from fastapi.testclient import TestClient

from fencun.scenario import Scenario


@pytest.fixture
def client(scenario: Scenario) -> Iterator[TestClient]:
    with web_app.client(web_app.app(scenario)) as client:
        yield client


def test_the_page_asks_and_answers(client: TestClient) -> None:
    page = client.get("/advise").text
    assert page.count("<fieldset") == 10
    assert "下一步" not in page
    assert "值得试" in client.get("/advise", params=FIT).text
    answered = client.get("/advise", params={**FIT, "kind": "lookup", "prompt": "enough"}).text
    assert "不适合微调" in answered
    assert "说不出处" in answered
    assert 'value="lookup" required checked' in answered


def test_it_stands_in_the_navigation(client: TestClient) -> None:
    assert 'href="/advise"' in client.get("/").text


def test_answers_that_are_none_are_explained(client: TestClient) -> None:
    page = client.get("/advise", params={**FIT, "kind": "<script>alert(1)</script>"})
    assert page.status_code == 422
    assert "不在选项里" in page.text
    assert "<script>alert" not in page.text
    assert client.get("/advise", params={"utm": "x"}).status_code == 200
