"""Both scenarios that ship complete pass the same tests, in a real Chromium, on one server."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import web_app
from playwright.sync_api import BrowserContext, Page, expect

from fencun.scenario import Scenario, load_scenario
from fencun.store import tokens
from fencun.store.database import Store

pytestmark = pytest.mark.browser

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
PAGES = (*web_app.PAGES, "/scenario?check=1", "/docs")
PROMISE = "全额退款给您，再送一张五百元的券。祝您身体健康、万事如意、阖家欢乐、心想事成！"


@dataclass(frozen=True)
class Place:
    """Where a scenario is served, and a link by which the host enters."""

    scenario: Scenario
    url: str
    key: str

    @property
    def at(self) -> str:
        return f"{self.url}/s/{self.scenario.name}"


@pytest.fixture(scope="module")
def server(
    scenario: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Store]]:
    path = tmp_path_factory.mktemp("web") / "fencun.db"
    web = web_app.app(scenario, store=lambda: Store(f"sqlite:///{path}"))
    with web_app.running(web) as url:
        yield url, web.state.studio.store


@pytest.fixture(params=["spring_festival", "review_reply"])
def place(request: pytest.FixtureRequest, server: tuple[str, Store]) -> Place:
    url, store = server
    return Place(load_scenario(request.param), url, store.write(tokens.add_link))


@pytest.fixture(autouse=True)
def patient(context: BrowserContext) -> None:
    """Some pages take their time on a busy machine."""
    context.set_default_timeout(60_000)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_every_page_works_fits_and_can_be_read(
    page: Page, place: Place, width: int, scheme: str
) -> None:
    page.goto(f"{place.at}/enter?key={place.key}")
    expect(page).to_have_url(f"{place.at}/")
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in PAGES:
        answer = page.goto(f"{place.at}{path}")
        assert answer
        assert answer.status == 200, path
        expect(page.locator(".scenes summary")).to_contain_text(place.scenario.title)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        if path != "/docs":
            assert page.evaluate(CONTRAST) == [], path
        if not place.scenario.words.cards and path != "/docs":  # the API has cards for all
            told = page.locator("main").inner_text()
            for word in ("春节", "拜年", "除夕", "贺卡"):
                assert word not in told, (path, word)


def test_from_typing_to_three_texts_and_back_from_the_history(page: Page, place: Place) -> None:
    page.goto(f"{place.at}/")
    page.click("#example")
    page.click("#go")
    expect(page.locator(".candidate .words")).to_have_count(3)
    expect(page.locator(".candidate footer").first).to_be_visible()
    page.goto(f"{place.at}/history")
    expect(page.locator("article").first).to_contain_text(
        place.scenario.whole_example[_detail(place)]
    )
    page.click("text=照这个再写")
    expect(page).to_have_url(re.compile(r"/\?again="))
    expect(page.locator(f"#f-{_detail(place)}")).to_have_value(
        place.scenario.whole_example[_detail(place)]
    )


def test_what_a_model_is_told_and_the_gates_say_follows_the_typing(
    page: Page, place: Place
) -> None:
    page.goto(f"{place.at}/scenario")
    bare = page.locator("[data-arm=bare]")
    bare.locator("summary").click()
    page.fill(f"#f-{_detail(place)}", "那天下着小雨，他没有带伞")
    expect(bare.locator("pre")).to_contain_text("那天下着小雨，他没有带伞")
    page.fill("#f-text", PROMISE)
    expect(page.locator(".looked .fault").first).to_be_visible()
    choice = next(d for d in place.scenario.dimensions if d.choices)
    page.fill(f"#f-{choice.name}", "没有这一项的说法")
    expect(page.locator("#tried [role=alert]")).to_be_visible()
    expect(page.locator(f"#f-{choice.name}")).to_have_attribute("aria-invalid", "true")
    page.fill(f"#f-{choice.name}", choice.choices[0].value)
    expect(page.locator("#tried [role=alert]")).to_have_count(0)
    expect(page.locator(f"#f-{choice.name}")).not_to_have_attribute("aria-invalid", "true")


def test_without_javascript_the_same_form_tells_the_same(
    page: Page, context: BrowserContext, place: Place
) -> None:
    browser = context.browser
    assert browser
    plain = browser.new_context(java_script_enabled=False)
    shown = plain.new_page()
    shown.goto(f"{place.at}/scenario")
    shown.fill(f"#f-{_detail(place)}", "那天下着小雨，他没有带伞")
    shown.fill("#f-text", PROMISE)
    shown.click("#try button")
    expect(shown.locator("#tried")).to_contain_text("那天下着小雨，他没有带伞")
    expect(shown.locator(".looked .fault").first).to_be_visible()
    plain.close()


def test_the_header_leads_to_the_same_page_of_another_scenario(page: Page, place: Place) -> None:
    other = load_scenario("thanks")
    page.goto(f"{place.at}/seeds")
    page.click(".scenes summary")
    page.click(f".scenes a:has-text('{other.title}')")
    expect(page).to_have_url(f"{place.url}/s/thanks/seeds")
    expect(page.locator(".scenes summary")).to_contain_text(other.title)
    page.click(".scenes summary")
    page.keyboard.press("Escape")
    expect(page.locator(".scenes ul")).to_be_hidden()
    page.click(".scenes summary")
    page.mouse.click(640, 700)
    expect(page.locator(".scenes ul")).to_be_hidden()


def _detail(place: Place) -> str:
    detail = place.scenario.role("detail")
    assert detail
    return detail.name
