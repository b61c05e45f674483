"""The API's own documentation, from our own server."""

from pathlib import Path

import web_app

from fencun.scenario import Scenario

ROOT = Path(__file__).parents[1]


def test_every_route_of_the_api_is_described_and_in_the_docs(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        schema = client.get("/openapi.json").json()
    documents = [(ROOT / "docs" / name).read_text("utf-8") for name in ("api.md", "api.zh-CN.md")]
    described = 0
    for path, operations in schema["paths"].items():
        if not path.startswith(("/api/", "/v1/")):
            continue
        for method, operation in operations.items():
            described += 1
            assert operation.get("description"), (method, path)
            name = f"{method.upper()} {path}"
            for document in documents:
                assert name in document, f"{name} is in no document"
    assert described >= 12


def test_the_docs_page_needs_nothing_from_elsewhere(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        page = client.get("/docs").text
        assert "/static/swagger/swagger-ui-bundle.js" in page
        assert len(client.get("/static/swagger/swagger-ui-bundle.js").content) > 500_000
        assert client.get("/static/js/../app.py").status_code == 404
        assert client.get("/static/%2e%2e/app.py").status_code == 404
