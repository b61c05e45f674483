"""A real headless Chromium, driven by Playwright, that reaches nothing but loopback."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


def chromium() -> str | None:
    """Return the Chromium of this machine; None lets Playwright take its own."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    return os.environ.get("CHROMIUM") or next(filter(None, found), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser for the length of the block."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=_QUIET)
        try:
            yield started
        finally:
            started.close()
