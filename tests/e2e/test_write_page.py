"""The page 写祝福 in a real Chromium: typing, streaming, editing, judging, cards, keyboard."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import web_app
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from fencun.errors import EngineError
from fencun.models.engine import Decoding
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario
from fencun.store.database import Store

pytestmark = pytest.mark.browser

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
DONE = ".candidate footer:not([hidden])"


def answer(_: object, decoding: Decoding) -> str:
    return web_app.TEXTS[decoding.seed % len(web_app.TEXTS)]


@contextmanager
def served(scenario: Scenario, engine: FakeEngine, folder: Path) -> Iterator[str]:
    def opened() -> Store:
        return Store(f"sqlite:///{folder / 'fencun.db'}")

    with web_app.running(web_app.app(scenario, engine, store=opened)) as url:
        yield url


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    return FakeEngine(answer, delay_s=0.01)


@pytest.fixture(scope="module")
def url(
    scenario: Scenario, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with served(scenario, engine, tmp_path_factory.mktemp("web")) as url:
        yield url


@pytest.fixture
def ready(page: Page, url: str, engine: FakeEngine) -> Page:
    """The page, open, over an engine that answers well."""
    engine._script = answer
    engine._fail_after = None
    engine._delay_s = 0.01
    page.goto(url)
    return page


def fill(page: Page, **more: str) -> None:
    for name, value in {**web_app.BRIEF, **more}.items():
        page.locator(f"[name={name}]").fill(value)


def write(page: Page) -> None:
    fill(page)
    page.get_by_role("button", name="写三条").click()
    expect(page.locator(DONE)).to_have_count(3)


def words(page: Page) -> list[str]:
    return [area.input_value() for area in page.locator(".candidate .words").all()]


def history(page: Page) -> dict:  # type: ignore[type-arg]
    told: dict = page.evaluate("fetch('/api/history').then((r) => r.json())")  # type: ignore[type-arg]
    return told


def told(page: Page, count: int) -> list[tuple[str, str | None]]:
    """Return the events of the newest writing once there are ``count`` of them."""
    found: list[tuple[str, str | None]] = []
    for _ in range(50):
        newest = history(page)["writings"][0]
        found = [(event["kind"], event["text"]) for event in newest["events"]]
        if len(found) >= count:
            break
        page.wait_for_timeout(100)
    return found


def test_from_typing_to_three_texts(ready: Page) -> None:
    write(ready)
    texts = words(ready)
    assert len(set(texts)) == 3
    assert set(texts) <= set(web_app.TEXTS)
    expect(ready.locator("#progress")).to_have_text("写了 6 条，挑出这 3 条。")
    expect(ready.locator(".candidate .count").first).to_have_text(re.compile(r"^\d+ 字$"))
    expect(ready.get_by_role("button", name="再写三条")).to_be_visible()
    assert history(ready)["writings"][0]["asked"]["relation"] == "高中班主任"


def test_texts_grow_while_they_are_written(ready: Page, engine: FakeEngine) -> None:
    engine._delay_s = 0.05
    fill(ready)
    ready.get_by_role("button", name="写三条").click()
    area = ready.locator(".candidate .words").first
    expect(area).not_to_have_value("")
    early = area.input_value()
    assert 0 < len(early) < 20
    expect(area).to_have_attribute("readonly", "")
    expect(ready.locator(DONE)).to_have_count(3)
    assert area.input_value().startswith(early)
    expect(area).not_to_have_attribute("readonly", "")


def test_chips_fill_fields_and_fields_press_chips(ready: Page) -> None:
    relation = ready.locator("[data-field=relation]")
    relation.get_by_role("button", name="父母", exact=True).click()
    expect(ready.locator("[name=relation]")).to_have_value("父母")
    expect(relation.locator(".chip[aria-pressed=true]")).to_have_text("父母")
    relation.get_by_role("button", name="父母", exact=True).click()
    expect(ready.locator("[name=relation]")).to_have_value("")
    ready.locator("[name=relation]").fill("高中班主任")
    expect(relation.locator(".chip[aria-pressed=true]")).to_have_text("老师导师")
    expect(relation.locator(".hint")).to_contain_text("当作“老师导师”")
    for stranger in ("外星人", "客户的女儿"):
        ready.locator("[name=relation]").fill(stranger)
        expect(relation.locator(".chip[aria-pressed=true]")).to_have_count(0)
        expect(relation.locator(".hint")).to_contain_text(f"“{stranger}”没有看懂")
    style = ready.locator("[data-field=style]")
    ready.locator("[name=style]").fill("不要幽默")
    expect(style.locator(".hint")).to_contain_text("没有看懂")
    expect(style.locator(".chip[aria-pressed=true]")).to_have_count(0)
    ready.locator("[name=length]").fill("不少于80字")
    expect(ready.locator("[data-field=length] .hint")).to_contain_text("当作“中（80 到 120 字）”")


def test_a_hint_stays_when_the_form_changes_its_size(ready: Page) -> None:
    ready.locator("[name=style]").fill("不要幽默")
    hint = ready.locator("[data-field=style] .hint")
    expect(hint).to_contain_text("没有看懂")
    asked: list[str] = []
    ready.on("request", lambda request: asked.append(request.url))
    for width in (390, 700, 1280):
        ready.set_viewport_size({"width": width, "height": 900})
        ready.wait_for_timeout(600)
        expect(hint).to_contain_text("没有看懂")
    assert asked == []


def test_what_will_not_be_named_is_said_while_typing_and_may_be_allowed(ready: Page) -> None:
    caution = ready.locator("#caution")
    expect(caution).to_be_hidden()
    ready.locator("[name=salutation]").fill("大刚")
    ready.locator("[name=detail]").fill("儿子判给他妈了")
    expect(caution).to_contain_text("细节里有离婚分手，不会点破。")
    ready.get_by_label("这事可以直说").check()
    with ready.expect_request("**/api/write") as sent:
        ready.locator("#go").click()
    assert (sent.value.post_data_json or {})["brief"]["say_it"] == "1"
    ready.locator("[name=detail]").fill("一起爬过山")
    expect(caution).to_be_hidden()


def test_a_field_at_fault_is_told_beside_it_and_forgiven_when_mended(ready: Page) -> None:
    fill(ready, relation="外星人")
    ready.get_by_role("button", name="写三条").click()
    field = ready.locator("[name=relation]")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(ready.locator("#e-relation")).to_contain_text("没有看懂")
    expect(ready.locator("#results")).to_be_hidden()
    field.fill("老师")
    expect(ready.locator("#e-relation")).to_be_hidden()


def test_an_edit_is_checked_kept_and_copied(ready: Page) -> None:
    ready.context.grant_permissions(["clipboard-read", "clipboard-write"])
    write(ready)
    shown = ready.locator(".candidate").first
    shown.locator(".words").fill("王老师，给你拜年了。")
    expect(shown.locator(".doubts")).to_contain_text("“您”")
    shown.get_by_role("button", name="复制").click()
    expect(ready.locator("#toast")).to_contain_text("复制好了")
    assert ready.evaluate("navigator.clipboard.readText()") == "王老师，给你拜年了。"
    assert told(ready, 2) == [
        ("edited", "王老师，给你拜年了。"),
        ("copied", "王老师，给你拜年了。"),
    ]


def test_a_doubt_shows_which_words_it_means(ready: Page, engine: FakeEngine) -> None:
    engine._script = ["王老师，祝您身体健康、万事如意、阖家欢乐、心想事成，给您拜年，多保重。"]
    fill(ready)
    ready.get_by_role("button", name="写三条").click()
    expect(ready.locator(DONE)).to_have_count(1)
    expect(ready.locator("#verdict")).to_be_visible()
    doubt = ready.locator(".doubts button").first
    doubt.click()
    selected = ready.evaluate(
        "(() => { const a = document.activeElement;"
        " return a.value.slice(a.selectionStart, a.selectionEnd); })()"
    )
    assert selected
    assert selected in words(ready)[0]


def test_votes_can_be_given_changed_and_taken_back(ready: Page) -> None:
    write(ready)
    shown = ready.locator(".candidate").first
    good, bad = (
        shown.get_by_role("button", name="好", exact=True),
        shown.get_by_role("button", name="不好"),
    )
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    bad.click()
    expect(good).to_have_attribute("aria-pressed", "false")
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "false")
    assert [kind for kind, _ in told(ready, 3)] == ["liked", "disliked", "unrated"]


def test_one_slot_is_drawn_anew_made_shorter_and_put_back(ready: Page, engine: FakeEngine) -> None:
    write(ready)
    before = words(ready)
    shown = ready.locator(".candidate").nth(1)
    new = "王老师，新换的一条，给您拜年，天冷您多保重，开春我去看您。"
    engine._script = [new]
    shown.get_by_role("button", name="换一个").click()
    expect(shown.locator(".words")).to_have_value(new)
    assert words(ready)[0] == before[0]
    assert words(ready)[2] == before[2]
    shown.get_by_role("button", name="短一点").click()
    expect(shown.get_by_role("button", name="换回来")).to_be_enabled()
    assert "字以内" in engine.calls[-1][0][-1]["content"]
    shown.get_by_role("button", name="轻一点").click()
    expect(shown.get_by_role("button", name="换回来")).to_be_enabled()
    assert "轻一点" in engine.calls[-1][0][-1]["content"]
    for _ in range(3):
        shown.get_by_role("button", name="换回来").click()
    expect(shown.locator(".words")).to_have_value(before[1])
    expect(shown.get_by_role("button", name="换回来")).to_be_hidden()


def test_a_change_that_fails_leaves_the_text_as_it_was(ready: Page, engine: FakeEngine) -> None:
    write(ready)
    shown = ready.locator(".candidate").first
    shown.locator(".words").fill("王老师，我自己改的，给您拜年了，天冷您多保重，少站风口。")
    engine._script = [EngineError("引擎退出了，请重试。", "The engine died.")]
    shown.get_by_role("button", name="换一个").click()
    expect(ready.locator("#toast")).to_contain_text("引擎退出了")
    expect(shown.locator(".words")).to_have_value(re.compile("我自己改的"))
    expect(shown.get_by_role("button", name="复制")).to_be_enabled()


def test_an_engine_that_dies_half_way_is_told_and_the_next_press_works(
    ready: Page, engine: FakeEngine
) -> None:
    engine._fail_after = 4
    fill(ready)
    ready.get_by_role("button", name="写三条").click()
    expect(ready.locator("#problem")).to_be_visible()
    engine._fail_after = None
    ready.get_by_role("button", name="再写三条").click()
    expect(ready.locator(DONE)).to_have_count(3)
    expect(ready.locator("#problem")).to_be_hidden()


def test_what_was_written_stays_where_nothing_new_comes(ready: Page, engine: FakeEngine) -> None:
    write(ready)
    first = ready.locator(".candidate .words").first
    first.fill("王老师，改过的这一句要留着。")
    salutation = ready.locator("[name=salutation]")
    salutation.fill("")
    ready.get_by_role("button", name="再写三条").click()
    expect(salutation).to_have_attribute("aria-invalid", "true")
    expect(first).to_have_value("王老师，改过的这一句要留着。")
    expect(ready.locator(DONE)).to_have_count(3)
    salutation.fill("李老师")
    engine._script = [EngineError("断了。", "Died.")]
    ready.get_by_role("button", name="再写三条").click()
    expect(ready.locator("#problem")).to_have_text("断了。")
    expect(first).to_have_value("王老师，改过的这一句要留着。")
    ready.locator(".candidate").first.get_by_role("button", name="复制").click()
    expect(ready.locator("#toast")).to_be_visible()


def test_stopping_and_leaving_end_the_generation(ready: Page, engine: FakeEngine) -> None:
    engine._delay_s = 0.3
    fill(ready)
    ready.get_by_role("button", name="写三条").click()
    expect(ready.locator(".candidate .words").first).not_to_have_value("")
    ready.get_by_role("button", name="停下").click()
    expect(ready.locator("#progress")).to_have_text("停下了。")
    count = len(history(ready)["writings"])
    ready.get_by_role("button", name="再写三条").click()
    expect(ready.locator(".candidate .words").first).not_to_have_value("")
    ready.goto(f"{ready.url.rstrip('/')}/history")
    ready.wait_for_timeout(500)
    assert len(history(ready)["writings"]) == count


@pytest.mark.parametrize("setting", ["竖排", "横排"])
def test_a_card_is_previewed_and_downloaded(ready: Page, tmp_path: Path, setting: str) -> None:
    write(ready)
    ready.locator(".candidate").first.get_by_role("button", name="做贺卡").click()
    dialog = ready.get_by_role("dialog", name="做贺卡")
    expect(dialog).to_be_visible()
    dialog.get_by_label("寒梅").check(force=True)
    dialog.get_by_label(setting).check()
    dialog.get_by_label("落款").fill("小李")
    image = dialog.get_by_role("img")
    expect(image).to_have_attribute("alt", "贺卡预览，寒梅")
    expect(dialog).to_have_attribute("aria-busy", "false")
    ready.wait_for_timeout(600)
    expect(dialog).to_have_attribute("aria-busy", "false")
    with ready.expect_download() as waiting:
        dialog.get_by_role("button", name="下载图片").or_(dialog.get_by_text("下载图片")).click()
    saved = tmp_path / "card.png"
    waiting.value.save_as(saved)
    assert waiting.value.suggested_filename == "贺卡-王老师-寒梅.png"
    assert Image.open(io.BytesIO(saved.read_bytes())).size == (1080, 1620)
    ready.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert told(ready, 1) == [("card", "plum")]


def test_all_of_it_works_with_the_keyboard_alone(ready: Page) -> None:
    def focused() -> str:
        told: str = ready.evaluate(
            "document.activeElement.getAttribute('aria-label')"
            " || document.activeElement.name || document.activeElement.textContent.trim()"
        )
        return told

    ready.keyboard.press("Tab")
    assert focused() == "跳到正文"
    ready.keyboard.press("Enter")
    for _ in range(200):
        if focused() == "salutation":
            break
        ready.keyboard.press("Tab")
    ready.keyboard.type("王老师")
    ready.keyboard.press("Tab")
    assert focused() == "relation"
    ready.keyboard.type("高中班主任")
    ready.keyboard.press("Control+Enter")
    expect(ready.locator(DONE)).to_have_count(3)
    seen = []
    for _ in range(200):
        ready.keyboard.press("Tab")
        seen.append(focused())
        if seen[-1] == "接口文档":
            break
    for control in (
        "第一条，可以直接改",
        "复制",
        "做贺卡",
        "好",
        "不好",
        "换一个",
        "短一点",
        "轻一点",
    ):
        assert control in seen, control
    outline = ready.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_and_text_is_readable(
    browser: Browser, url: str, engine: FakeEngine, width: int, scheme: str
) -> None:
    engine._script, engine._delay_s = answer, 0
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce",  # type: ignore[arg-type]
        locale="zh-CN",
    )  # fmt: skip
    page = context.new_page()
    page.goto(url)
    write(page)
    for path in ("/", "/history"):
        if path != "/":
            page.goto(url + path)
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, (path, overflow)
        assert page.evaluate(CONTRAST) == []
    context.close()


def test_small_targets_are_not_too_small_on_a_phone(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = context.new_page()
    page.goto(url)
    small = page.evaluate(
        "[...document.querySelectorAll('button, input, textarea')].filter((e) => e.offsetParent)"
        ".map((e) => [e.textContent.trim() || e.name, e.getBoundingClientRect().height])"
        ".filter(([, height]) => height < 24)"
    )
    assert small == []
    context.close()


def test_without_javascript_the_form_still_writes(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(url)
    expect(page.locator(".chip").first).to_be_hidden()
    fill(page)
    page.get_by_role("button", name="写三条").click()
    expect(page.locator(".candidate .words")).to_have_count(3)
    for name in ("复制", "换一个", "好"):
        expect(page.get_by_role("button", name=name, exact=True).first).to_be_hidden()
    context.close()


def test_text_from_model_and_person_never_becomes_markup(ready: Page, engine: FakeEngine) -> None:
    nasty = (
        "王老师，<img src=x onerror=\"document.title='owned'\"><b>过年好</b>{{7*7}}，您多保重身体。"
    )
    engine._script = [nasty]
    fill(ready, detail="<script>document.title='owned'</script>")
    ready.get_by_role("button", name="写三条").click()
    expect(ready.locator(DONE)).to_have_count(1)
    assert words(ready) == [nasty]
    ready.goto(f"{ready.url.rstrip('/')}/history")
    expect(ready.locator(".entry .text").first).to_have_text(nasty)
    assert ready.title() == "记录 · 分寸"
    assert ready.locator(".entry img, .entry b").count() == 0


def test_history_is_used_again_and_deleted(ready: Page) -> None:
    write(ready)
    ready.get_by_role("link", name="记录").click()
    ready.get_by_role("link", name="照这个再写").first.click()
    expect(ready.locator("[name=relation]")).to_have_value("高中班主任")
    ready.get_by_role("link", name="记录").click()
    ready.on("dialog", lambda dialog: dialog.accept())
    ready.get_by_role("button", name="清空").click()
    expect(ready.get_by_text("还没有写过")).to_be_visible()


def test_the_api_documentation_works_offline(ready: Page) -> None:
    outside: list[str] = []
    ready.on(
        "request",
        lambda r: (
            None
            if r.url.startswith(("http://127.0.0.1", "data:", "blob:"))
            else outside.append(r.url)
        ),
    )
    ready.goto(f"{ready.url.rstrip('/')}/docs")
    expect(ready.get_by_text("/api/write", exact=True)).to_be_visible()
    ready.get_by_text("/api/scenario", exact=True).click()
    ready.get_by_role("button", name="Try it out").click()
    ready.get_by_role("button", name="Execute").click()
    expect(ready.locator(".response .response-col_status").first).to_contain_text("200")
    assert outside == []


@pytest.mark.model
@pytest.mark.slow
def test_the_real_model_from_typing_to_card(page: Page, scenario: Scenario, tmp_path: Path) -> None:
    from fencun.open_writer import open_writer
    from fencun.web.app import create_app

    page.set_default_timeout(180_000)
    web = create_app(scenario, lambda: open_writer(scenario))
    with web_app.running(web) as url:
        page.goto(url)
        fill(page)
        page.get_by_role("button", name="写三条").click()
        expect(page.locator(DONE).first).to_be_visible(timeout=180_000)
        texts = words(page)
        assert 1 <= len(texts) <= 3
        assert all("王老师" in text and len(text) > 10 for text in texts)
        assert all("<|" not in text and "称呼：" not in text for text in texts)
        shown = page.locator(".candidate").first
        shown.get_by_role("button", name="换一个").click()
        expect(shown.get_by_role("button", name="换回来")).to_be_enabled(timeout=180_000)
        assert words(page)[0] not in texts
        shown.get_by_role("button", name="做贺卡").click()
        expect(page.get_by_role("dialog")).to_have_attribute("aria-busy", "false")
        with page.expect_download() as waiting:
            page.get_by_text("下载图片").click()
        waiting.value.save_as(tmp_path / "card.png")
        png = (tmp_path / "card.png").read_bytes()
        assert Image.open(io.BytesIO(png)).size == (1080, 1620)
