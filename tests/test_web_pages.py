"""Pages: the navigation shows what is there."""

import web_app

from fencun.scenario import Scenario


def test_the_navigation_shows_what_is_there_and_where_one_is(scenario: Scenario) -> None:
    with web_app.client(web_app.app(scenario)) as client:
        web_app.enter(client)
        for page in client.app.state.pages:  # type: ignore[attr-defined]
            shown = client.get(page.path).text
            assert f'<a href="{page.path}" aria-current="page">{page.of(scenario).zh}</a>' in shown
            assert shown.count('aria-current="page"') == 1
