"""Our own files, which browsers ask for again each time."""

import web_app

from fencun.scenario import Scenario
from fencun.web.static import FOLDER


def test_files_are_served_and_asked_for_again(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        found = client.get("/static/css/base.css")
        assert found.content == (FOLDER / "css" / "base.css").read_bytes()
        assert found.headers["cache-control"] == "no-cache"
        again = client.get("/static/css/base.css", headers={"If-None-Match": found.headers["etag"]})
        assert again.status_code == 304
        assert client.get("/static/swagger/swagger-ui.css").status_code == 200


def test_nothing_outside_the_folder_is_served(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/none.css"):
            assert client.get(path).status_code == 404
