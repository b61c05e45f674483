"""微调 in a real Chromium, with real runs of a tiny random model in processes of their own."""

from pathlib import Path

import pytest
import web_app
from playwright.sync_api import Browser, Page, expect
from tune_tiny import tiny_base

from fencun import files
from fencun.home import home
from fencun.scenario import Scenario
from fencun.tune.runs import processes as runs

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_SLOW_MS = 900_000  # importing torch on a machine that is busy with another training


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Page) -> None:
    """The base in use is a random model, so that a run takes seconds."""
    page.set_default_timeout(_SLOW_MS)
    monkeypatch.setenv("FENCUN_MODEL", str(tiny_base(tmp_path / "tiny-random")))


def _state(page: Page, words: str) -> None:
    expect(page.locator(".now .state")).to_have_text(words, timeout=_SLOW_MS)


def test_a_run_outlives_page_and_server_and_is_compared_with_its_base(
    page: Page, scenario: Scenario
) -> None:
    with web_app.running(web_app.app(scenario)) as url:
        page.goto(web_app.entry(url, "/tune"))
        page.get_by_label("试：几步就完").check()
        page.get_by_role("button", name="开始训练").click()
        _state(page, "正在训练")
        page.get_by_role("button", name="停下").click()
        _state(page, "停下了")
        page.get_by_role("button", name="接着跑").click()
        _state(page, "正在训练")
        [run] = runs.all_runs()
        page.goto("about:blank")
    # Page and server are gone; the run is not.
    assert runs.find_run(run.name).state in ("running", "finished")
    with web_app.running(web_app.app(scenario)) as url:
        page.goto(web_app.entry(url, "/tune"))
        page.locator("a.run").click()
        _state(page, "完成")  # the page follows by itself
        expect(page.locator(".steps")).to_contain_text("第 4 / 4 步")
        expect(page.locator("svg.chart").first).to_be_visible()
        expect(page.locator(".voice .newest .text")).not_to_be_empty()
        expect(page.get_by_role("button", name="停下")).to_have_count(0)
        page.get_by_role("link", name="和底座比一比").click()
        page.get_by_role("button", name="比一比").click()
        expect(page.locator(".answers section")).to_have_count(2, timeout=_SLOW_MS)
        expect(page.locator(".answers h2").last).to_have_text("底座本身")
    assert (run.folder / "best" / "adapter_model.safetensors").exists()


def test_preferences_are_learnt_on_top_of_a_run(page: Page, scenario: Scenario) -> None:
    with web_app.running(web_app.app(scenario)) as url:
        page.goto(web_app.entry(url, "/tune"))
        page.get_by_label("试：几步就完").check()
        page.get_by_role("button", name="开始训练").click()
        _state(page, "完成")
        _pairs(home() / "pairs")
        page.get_by_role("link", name="微调").first.click()
        page.get_by_role("button", name="学这些偏好").click()
        _state(page, "完成")
        expect(page.locator(".now")).to_contain_text("没学过的偏好对里")
        expect(page.locator(".voice .newest .text")).to_have_count(8)
    newest, first = runs.all_runs()
    assert newest.manifest["method"] == "dpo"
    assert newest.facts["resolved"]["start"] == str(first.folder)


def _pairs(folder: Path) -> None:
    """Write pairs as ``fencun data pairs`` does: two texts for each of a few prompts."""
    rows = [
        {
            "prompt": [{"role": "user", "content": f"给老{name}写一句祝福。"}],
            "chosen": [{"role": "assistant", "content": "过年好，我在。"}],
            "rejected": [{"role": "assistant", "content": "祝你发财。"}],
        }
        for name in "赵钱孙李周吴郑王冯陈"
    ]
    files.write_jsonl(folder / "pairs.jsonl", rows)
    files.write_json(folder / "manifest.json", {"format": "trl", "pairs": len(rows)})


def test_everything_can_be_read_and_reached_on_a_phone(
    browser: Browser, scenario: Scenario
) -> None:
    from test_web_tuning import NAME, a_run

    a_run()
    contrast = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
    with web_app.running(web_app.app(scenario)) as url:
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": 390, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(web_app.entry(url))
            for path in ("/tune", f"/tune/{NAME}", f"/tune/compare?left=run-{NAME}"):
                page.goto(url + path)
                assert page.evaluate("document.documentElement.scrollWidth") == 390, path
                assert page.evaluate(contrast) == [], path
            context.close()


def test_the_preflight_is_measured_here(page: Page, scenario: Scenario) -> None:
    with web_app.running(web_app.app(scenario)) as url:
        page.goto(web_app.entry(url, "/tune"))
        page.get_by_role("button", name="量一量").click()
        expect(page.locator(".plan tbody tr")).to_have_count(3, timeout=_SLOW_MS)
        expect(page.get_by_role("button", name="再量一次")).to_be_visible()
