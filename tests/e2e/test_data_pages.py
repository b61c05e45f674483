"""种子, 审阅 and 覆盖 in a real Chromium: from typing to export, through a server that dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import web_app
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fencun.scenario import Scenario
from fencun.store.database import Store

pytestmark = pytest.mark.browser

TESTS = Path(__file__).parents[1]
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
TEXT = web_app.GOOD
FIELDS = {"salutation": "王老师", "detail": "高三晚自习后常留下来给我讲数学题"}
CHOICES = {"relation": "老师导师", "occasion": "除夕", "style": "真诚走心", "length": "短"}
BRIEF = {**FIELDS, **CHOICES}
CLICHE = "王老师，祝您身体健康、万事如意、阖家欢乐、心想事成，给您拜年了，多多保重。"
SERVER = """
import sys, time
import web_app
from fencun.scenario import load_scenario
from fencun.store.database import Store
import asyncio, socket, uvicorn
port, database = int(sys.argv[1]), sys.argv[2]
web = web_app.app(load_scenario("spring_festival"), store=lambda: Store(f"sqlite:///{database}"))
listening = socket.create_server(("127.0.0.1", port))
server = uvicorn.Server(uvicorn.Config(web, log_level="warning"))
asyncio.run(server.serve(sockets=[listening]))
"""


@pytest.fixture(autouse=True)
def patient(context: BrowserContext) -> None:
    """A page with the map and twenty seeds takes its time on a busy machine."""
    context.set_default_timeout(60_000)


@pytest.fixture(scope="module")
def url(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("web") / "fencun.db"
    web = web_app.app(scenario, store=lambda: Store(f"sqlite:///{path}"))
    with web_app.running(web) as url:
        yield url


class Server:
    """A server in a process of its own, on one port and one database, to be killed."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.database = folder / "fencun.db"
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(self.port), str(self.database)],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        for _ in range(1200):
            assert self.process.poll() is None
            try:
                httpx.get(f"{self.url}/api/scenario", timeout=30, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    started.start()
    yield started
    if started.process.poll() is None:
        started.kill()


def write(page: Page, text: str = TEXT) -> None:
    for name, value in FIELDS.items():
        page.locator(f"#write [name={name}]").fill(value)
    for name, value in CHOICES.items():
        page.locator(f"#write [name={name}]").select_option(value)
    page.locator("#f-text").fill(text)


def rows(page: Page, path: str) -> list[dict[str, object]]:
    text = page.evaluate("path => fetch(path).then((r) => r.text())", path)
    return [json.loads(line) for line in text.splitlines()]


def test_a_server_killed_while_one_types_loses_nothing(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/seeds")
    write(page)
    expect(page.locator("#state")).to_have_text("打的字都存着。")
    expect(page.locator("#findings .fine")).to_have_text("关卡都过了")
    server.kill()
    longer = f"{TEXT[:-1]}，早点睡。"
    page.locator("#f-text").fill(longer)
    expect(page.locator("#state")).to_contain_text("连不上服务")
    page.get_by_role("button", name="存下").click()
    expect(page.locator("#problem")).to_contain_text("字都还在")
    expect(page.locator("#f-text")).to_have_value(longer)
    server.start()
    page.reload()
    expect(page.locator("#state")).to_contain_text("存着")
    expect(page.locator("#f-text")).to_have_value(longer)
    expect(page.locator("#write [name=relation]")).to_have_value("老师导师")
    # It went to the server too: a tab that knows nothing finds it among the unfinished.
    other = page.context.new_page()
    other.goto(f"{server.url}/seeds")
    other.get_by_role("link", name="接着写").click()
    expect(other.locator("#f-text")).to_have_value(longer)
    other.close()
    page.get_by_role("button", name="存下").click()
    expect(page.locator(".note[role=status]")).to_contain_text("存下了")
    (kept,) = rows(page, "/seeds/seeds.jsonl?own=1")
    assert (kept["text"], kept["relation"]) == (longer, "老师导师")
    expect(page.locator("#unfinished")).to_be_hidden()
    expect(page.locator("#f-text")).to_have_value("")


def test_gates_answer_while_one_types_and_show_the_words(page: Page, url: str) -> None:
    page.goto(f"{url}/seeds")
    write(page, TEXT.replace("给您拜年", "给你拜年"))
    fault = page.locator("#findings .fault button").first
    expect(fault).to_contain_text("你")
    expect(page.get_by_role("button", name="存下（还有")).to_be_visible()
    fault.click()
    selected = page.evaluate(
        "(() => { const a = document.activeElement;"
        " return a.value.slice(a.selectionStart, a.selectionEnd); })()"
    )
    assert selected == "你"
    expect(page.locator("#count")).to_have_text(f"{len(TEXT)} 字，要 30–60")
    page.locator("#write [name=detail]").fill("他去年离婚，我陪他喝了一夜")
    page.get_by_role("button", name="标上").click()
    expect(page.locator("#write [name=tact]")).to_have_value("离婚分手")
    expect(page.locator("#write [name=handling]")).to_have_value("不提")


def test_from_a_thin_cell_to_a_mended_seed_and_back(page: Page, url: str) -> None:
    page.goto(f"{url}/seeds")
    page.locator(".gaps a").first.click()
    relation = page.locator("#write [name=relation]").input_value()
    assert relation in (page.locator(".list .tag").first.text_content() or "")
    page.goto(f"{url}/seeds?q=s0003")
    page.get_by_role("link", name="改 s0003").click()
    expect(page.locator("#write h2")).to_contain_text("场景自带")
    expect(page.locator("#findings .fine")).to_be_visible()
    before = page.locator("#f-text").input_value()
    page.locator("#f-text").fill(before.replace("挨个修", "挨个修好"))
    page.get_by_label("谁写的").fill("老周")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".note[role=status]")).to_contain_text("s0003")
    page.goto(f"{url}/seeds?q=s0003")
    expect(page.locator(".seed .ours")).to_have_text("改过 · 老周")
    page.get_by_role("button", name="删掉 s0003").click()
    page.get_by_role("button", name="撤销").click()
    page.goto(f"{url}/seeds?q=s0003")
    expect(page.locator(".seed .text")).to_contain_text("挨个修好")
    # The map leads to the seeds of a cell.
    page.goto(f"{url}/coverage")
    page.locator(".heat a").first.click()
    expect(page.locator(".seeds .seed").first).to_be_visible()


def drafts(folder: Path) -> Path:
    texts = (TEXT, web_app.TEXTS[1], web_app.TEXTS[2], CLICHE)
    lines = [
        json.dumps({"id": f"n{n}", "parent": "s0394", **BRIEF, "text": text}, ensure_ascii=False)
        for n, text in enumerate(texts, start=1)
    ]
    path = folder / "drafts.jsonl"
    path.write_text("\n".join([*lines, "{坏的"]), encoding="utf-8")
    return path


def start(context: BrowserContext, url: str, path: Path, name: str) -> Page:
    page = context.new_page()
    page.goto(f"{url}/review")
    page.locator("#file").set_input_files(path)
    page.get_by_role("button", name="交上来").click()
    page.get_by_label("您是").fill(name)
    page.get_by_role("button", name="开始审").click()
    expect(page.locator("#draft .text").first).not_to_be_empty()
    return page


def test_two_reviewers_by_keyboard_and_by_thumb(browser: Browser, url: str, tmp_path: Path) -> None:
    wide = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="zh-CN"
    )
    for context in (wide, phone):
        context.set_default_timeout(60_000)
    path = drafts(tmp_path)
    one, two = start(wide, url, path, "老周"), start(phone, url, path, "小吴")
    text, mine = one.locator("#text"), one.locator("#mine")
    one.keyboard.press("a")
    expect(mine).to_have_text("1")
    one.keyboard.press("u")  # taken back: the same draft again
    expect(mine).to_have_text("0")
    expect(text).to_have_text(TEXT)
    one.keyboard.press("a")
    expect(mine).to_have_text("1")
    one.keyboard.press("e")
    one.locator("#editor").fill("王老师，给你拜年了。")
    expect(one.locator("#findings")).to_contain_text("“您”")
    one.reload()  # an edit half made survives the page
    expect(one.locator("#editor")).to_have_value("王老师，给你拜年了。")
    edited = web_app.TEXTS[4]
    one.locator("#editor").fill(edited)
    one.keyboard.press("Control+Enter")
    expect(mine).to_have_text("2")
    one.keyboard.press("r")
    one.keyboard.press("6")
    expect(one.locator("#done")).to_be_visible()
    expect(one.locator('.why [data-reason="copied"] .n')).to_have_text("1")

    two.get_by_role("button", name="收下").tap()
    expect(two.locator("#edited")).to_contain_text("老周 改过")
    expect(two.locator("#text")).to_have_text(edited)
    two.get_by_role("button", name="收下").tap()
    expect(two.locator("#mine")).to_have_text("2")
    two.get_by_role("button", name="收下").tap()
    expect(two.locator("#done")).to_be_visible()
    two.get_by_role("link", name="有分歧").tap()
    expect(two.locator(".opinions .reject")).to_contain_text("老周 不要：照抄细节")
    two.get_by_label("为什么不要").select_option("copied")
    two.get_by_role("button", name="不要", exact=True).tap()
    expect(two.get_by_text("没有分歧。")).to_be_visible()

    one.get_by_role("link", name="读不了").click()
    expect(one.locator(".unusable td").first).to_have_text("5")
    one.get_by_role("link", name="关卡搁下").click()
    one.get_by_role("button", name="请回来再审").click()
    one.get_by_role("link", name="审", exact=False).filter(
        has=one.locator("[data-count=open]")
    ).click()
    expect(one.locator("#text")).to_have_text(CLICHE)
    with one.expect_download() as waiting:
        one.get_by_role("link", name="导出收下的").click()
    saved = tmp_path / "accepted.jsonl"
    waiting.value.save_as(saved)
    kept = [json.loads(row) for row in saved.read_text("utf-8").splitlines()]
    assert [(row["id"], row["text"]) for row in kept] == [("n1", TEXT), ("n2", edited)]
    wide.close()
    phone.close()


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark"), (1280, "light")])
def test_nothing_overflows_and_text_is_readable(
    browser: Browser, url: str, tmp_path: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, locale="zh-CN",  # type: ignore[arg-type]
        reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(60_000)
    page = start(context, url, drafts(tmp_path), f"读者{width}")
    queue = page.url.removeprefix(url)
    for path in ("", "/seeds", "/coverage", "/review", f"{queue}/aside", f"{queue}/unusable"):
        if path:
            page.goto(url + path)
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, (path, overflow)
        assert page.evaluate(CONTRAST) == [], path
    context.close()


def test_without_javascript_seeds_are_written_and_the_map_switches(
    browser: Browser, url: str
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{url}/seeds")
    write(page)
    page.get_by_role("button", name="存下").click()
    expect(page.locator(".note[role=status]")).to_contain_text("存下了")
    page.goto(f"{url}/coverage")
    page.get_by_label("列", exact=True).select_option("style")
    page.get_by_role("button", name="看").click()
    expect(page.get_by_label("列", exact=True)).to_have_value("style")
    context.close()
