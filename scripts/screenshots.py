"""Take the pictures of README and docs from a running ``fencun serve``, with its real answers.

Run: python scripts/screenshots.py LINK, the link for the host that ``fencun serve`` prints.

Writes docs/images/write-{desktop,dark,phone}.png and cards.png, and tune.png of the newest
tuning run where there is one. With ``tune`` behind the link, that one only. Needs the
``dev`` extra.
"""

import io
import shutil
import sys
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
CARDS = (
    ("papercut", "vertical"),
    ("ink", "vertical"),
    ("letter", "vertical"),
    ("plum", "horizontal"),
    ("night", "vertical"),
)
# Where a run lies on the machine that takes the picture is nobody's business.
HIDE = """document.querySelectorAll(".now code").forEach((code) => {
  code.textContent = code.textContent.replace(/\\S*\\/runs\\//, "~/.cache/fencun/runs/"); })"""
FIT = """document.querySelectorAll(".candidate .words").forEach((area) => {
  area.style.height = "auto"; area.style.height = `${area.scrollHeight + 2}px`; })"""


def keep(picture: Image.Image, name: str) -> None:
    """Save a small PNG: 256 colours are plenty for paper and ink."""
    small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(IMAGES / name, "PNG", optimize=True)


def shot(page: Page, *, whole: bool = False) -> Image.Image:
    """Return what the page looks like now."""
    page.wait_for_timeout(400)
    return Image.open(io.BytesIO(page.screenshot(full_page=whole))).convert("RGB")


def write(page: Page, url: str) -> str:
    """Fill in the example, write, take the pictures of the page; return the first text."""
    page.goto(url)
    page.click("#example")
    page.click("#go")
    page.wait_for_selector(".candidate footer:not([hidden])")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.mouse.move(0, 0)
    keep(shot(page, whole=True), "write-desktop.png")
    page.emulate_media(color_scheme="dark")
    keep(shot(page, whole=True), "write-dark.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(FIT)
    both = Image.new("RGB", (390 * 2 + 24, 844), "#ffffff")
    both.paste(shot(page), (0, 0))
    page.evaluate("document.getElementById('results').scrollIntoView()")
    both.paste(shot(page), (414, 0))
    keep(both, "write-phone.png")
    return page.locator(".candidate .words").first.input_value()


def tune(page: Page, url: str) -> None:
    """Take the picture of the newest tuning run, as far down as two of its briefs."""
    page.goto(f"{url}/tune")
    runs = page.locator("a.run")
    if runs.count() == 0:
        return
    runs.first.click()
    page.wait_for_selector(".voice")
    page.set_viewport_size({"width": 1100, "height": 900})
    page.evaluate(HIDE)
    page.evaluate("scrollTo(0, 0)")
    second = page.locator(".voice").nth(1).bounding_box()
    whole = shot(page, whole=True)
    keep(whole.crop((0, 0, whole.width, round(second["y"] + second["height"]) + 9)), "tune.png")


def cards(url: str, text: str) -> None:
    """Draw ``text`` on every design, side by side."""
    row = Image.new("RGB", (316 * len(CARDS) - 16, 450), "#ffffff")
    for place, (design, setting) in enumerate(CARDS):
        body = {
            "text": text, "design": design, "setting": setting,
            "salutation": "王老师", "signature": "小李",
        }  # fmt: skip
        answer = httpx.post(f"{url}/api/cards", json=body, timeout=60, trust_env=False)
        card = Image.open(io.BytesIO(answer.raise_for_status().content)).convert("RGB")
        row.paste(card.resize((300, 450), Image.Resampling.LANCZOS), (316 * place, 0))
    keep(row, "cards.png")


def main() -> None:
    url = sys.argv[1].partition("/enter")[0].rstrip("/")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, locale="zh-CN", reduced_motion="reduce"
        )
        context.set_default_timeout(300_000)
        context.new_page().goto(sys.argv[1])
        tune(context.new_page(), url)
        if "tune" in sys.argv[2:]:
            return
        text = write(context.new_page(), url)
        browser.close()
    cards(url, text)


if __name__ == "__main__":
    main()
