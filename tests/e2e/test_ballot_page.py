"""盲评 in a real Chromium: two people at once, by keyboard and by thumb."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import web_app
from evaluate_study import study_now
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fencun.evaluate import polling
from fencun.evaluate.collect import collect
from fencun.evaluate.report import write_report
from fencun.evaluate.study import Study
from fencun.scenario import Scenario
from fencun.store.database import Store

pytestmark = pytest.mark.browser


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return study_now(tmp_path, monkeypatch)


@pytest.fixture
def link(scenario: Scenario, study: Study) -> Iterator[str]:
    with web_app.running(web_app.app(scenario)) as url:
        with Store() as store:
            code = store.write(lambda s: polling.open_poll(s, study, ballots=6)).code
        yield f"{url}/ballot/{code}"


def start(context: BrowserContext, link: str, name: str) -> Page:
    page = context.new_page()
    page.goto(link)
    page.get_by_label("您的名字").fill(name)
    page.get_by_role("button", name="开始").click()
    expect(page.locator("#left .text")).not_to_be_empty()
    return page


def test_two_people_vote_at_once(browser: Browser, link: str, study: Study) -> None:
    wide = browser.new_context(viewport={"width": 1280, "height": 900})
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    one, two = start(wide, link, "老周"), start(phone, link, "小吴")
    seen: dict[str, list[str]] = {"one": [], "two": []}
    for number in range(6):
        seen["one"].append(one.locator("#left .text").inner_text())
        seen["two"].append(two.locator("#left .text").inner_text())
        one.keyboard.press("q")
        one.keyboard.press("1")
        expect(one.get_by_role("button", name="投这一票")).to_be_disabled()
        one.keyboard.press("l")  # whether each would be sent is asked on every ballot
        two.locator("#right").get_by_role("button", name="套话").tap()
        two.get_by_role("button", name="都不行").tap()
        one.keyboard.press("Enter")
        two.get_by_role("button", name="投这一票").tap()
        for page in (one, two):
            expect(page.locator("#done")).to_have_text(str(number + 1))
    expect(one.get_by_role("heading", name="评完了")).to_be_visible()
    expect(two.get_by_role("heading", name="评完了")).to_be_visible()
    with Store() as store:
        assert collect(study, store) == 12
    votes = {name: [v for v in study.votes() if v.name == name] for name in ("老周", "小吴")}
    assert all(v.choice == "left" and v.left_opinion.send for v in votes["老周"])
    assert all(v.choice == "neither" for v in votes["小吴"])
    assert all(v.right_opinion.reasons == ("cliche",) for v in votes["小吴"])
    assert seen["one"] != seen["two"]
    wide.close()
    phone.close()


def test_take_back_reload_and_close(context: BrowserContext, link: str, study: Study) -> None:
    page = start(context, link, "阿兰")
    first = page.locator("#left .text").inner_text()
    for key in ("3", "q", "p", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#done")).to_have_text("1")
    page.keyboard.press("z")
    expect(page.locator("#done")).to_have_text("0")
    expect(page.locator("#left .text")).to_have_text(first)
    page.reload()
    expect(page.locator("#left .text")).to_have_text(first)
    with Store() as store:
        store.write(lambda s: polling.close_poll(s, study.registration.fingerprint))
    for key in ("2", "a", "p", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="投票结束了")).to_be_visible()


def test_a_lost_connection_loses_no_vote(context: BrowserContext, link: str, study: Study) -> None:
    page = start(context, link, "阿明")
    drops = iter([True, True, False])

    def unsteady(route):  # type: ignore[no-untyped-def]
        if next(drops, False):
            route.fetch()  # the server keeps the vote, its answer never arrives
            route.abort()
        else:
            route.continue_()

    page.route("**/vote", unsteady)
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    expect(page.locator("#done")).to_have_text("1")
    with Store() as store:
        assert collect(study, store) == 1


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_over_the_edge(browser: Browser, link: str, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = start(context, link, "阿芳")
    page.keyboard.press("1")
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    small = page.evaluate(
        "[...document.querySelectorAll('button')].filter(b => b.offsetParent && "
        "b.getBoundingClientRect().height < 32).map(b => b.innerText)"
    )
    assert small == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_verdict_to_the_vote_and_the_report(
    page: Page, scenario: Scenario, study: Study, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    with web_app.running(web_app.app(scenario)) as url:
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(web_app.entry(url, "/verdict"))
            expect(page.get_by_role("heading", level=2).first).to_contain_text("证据不够：还差")
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        expect(page.get_by_role("link", name="结论")).to_be_in_viewport()
        with page.expect_popup() as opened:
            page.get_by_role("link", name="看报告").click()
        report = opened.value
        expect(report.get_by_role("heading", level=1)).to_contain_text("证据不够")
        # The policy lets this report's own style in, and the answers are its text.
        expect(report.locator(".lead")).to_have_css("border-top-width", "4px")
        expect(report.locator(".side .text").first).to_contain_text("过年好")
        page.get_by_role("button", name="开始投票").click()
        expect(page.get_by_role("link", name="看结论")).to_be_visible()


def test_the_report_prints_every_answer(page: Page, study: Study) -> None:
    html, _ = write_report(study)
    page.goto(html.as_uri())
    last = page.locator(".side .text").last
    expect(last).to_be_hidden()
    page.emulate_media(media="print")
    expect(last).to_be_visible()


def test_the_report_reads_on_a_phone_and_loads_nothing(browser: Browser, study: Study) -> None:
    html, _ = write_report(study)
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(html.as_uri())
    expect(page.get_by_role("heading", level=1)).to_contain_text("证据不够")
    assert asked == [html.as_uri()]
    assert page.locator("main").bounding_box()["width"] <= 390  # type: ignore[index]
    context.close()
