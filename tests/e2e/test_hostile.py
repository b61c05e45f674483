"""What other sites, and texts made to run as scripts, do to somebody's real browser: nothing.

``FENCUN_PAYLOADS`` says how many such texts, ``FENCUN_CARDS`` how many of them are drawn;
``make soak`` tries five hundred.
"""

import csv
import itertools
import json
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import evaluate_study
import pytest
import web_app
from evaluate_study import study_now
from markupsafe import escape
from payloads import FIRE, payloads
from playwright.sync_api import BrowserContext, Dialog, Page, Route, expect

from fencun.evaluate import joining, polling, voting
from fencun.evaluate.collect import collect
from fencun.evaluate.paper import export_ballots
from fencun.evaluate.records import Opinion
from fencun.evaluate.report import write_report
from fencun.gates import Gates
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario
from fencun.store import intake, reviews, seeds
from fencun.store.database import Store
from fencun.store.writings import new_id

pytestmark = pytest.mark.browser
PATIENCE_MS = 120_000  # a busy machine is no failure
PAYLOADS = int(os.environ.get("FENCUN_PAYLOADS", "25"))
CARDS = int(os.environ.get("FENCUN_CARDS", "3"))
ANSWERED = 72  # texts in a study of these tests: three arms, 24 briefs


@contextmanager
def elsewhere(page: str) -> Iterator[str]:
    """Serve ``page`` at ``localhost``, which is another site than ``127.0.0.1``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


LINKS = {
    "页面": "/", "不给看的": "/tune", "没有的": "/nothing", "没有的投票": "/ballot/no-such-poll",
    "用过的钥匙": "/enter?key=used",
}  # fmt: skip


def test_links_from_elsewhere_cost_nobody_their_history(
    scenario: Scenario, context: BrowserContext
) -> None:
    context.set_default_timeout(PATIENCE_MS)
    with web_app.running(web_app.app(scenario)) as url:
        links = "".join(f'<p><a href="{url}{path}">{name}</a>' for name, path in LINKS.items())
        form = f'<form method=post action="{url}/history/delete"><button>删</button></form>'
        with elsewhere(f"<!doctype html><meta charset=utf-8>{links}{form}") as other:
            page = context.new_page()
            page.goto(url)
            body = {"brief": web_app.BRIEF, "keep": 1, "draws": 1}
            written = page.evaluate(
                "body => fetch('/api/write', {method: 'POST', body: JSON.stringify(body), "
                "headers: {'Content-Type': 'application/json'}}).then(r => r.json())",
                body,
            )
            text = written["candidates"][0]["text"]
            mine = {c["name"]: c["value"] for c in context.cookies(url)}
            assert "fencun_visitor" in mine
            for name in [*LINKS, ""]:
                page.goto(other)
                if name:
                    page.get_by_role("link", name=name, exact=True).click()
                else:
                    page.get_by_role("button", name="删").click()
                page.wait_for_url(f"{url}/**")
                assert {c["name"]: c["value"] for c in context.cookies(url)} == mine
            page.goto(other)
            page.evaluate(f"location.href = '{url}/history'")
            expect(page.locator("main")).to_contain_text(text, timeout=PATIENCE_MS)


class Watched:
    """A page on which every script of ours that ran is noted, by where it ran."""

    def __init__(self, context: BrowserContext) -> None:
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script("window.fired = 0")
        self.fired: list[str] = []
        self.page = context.new_page()
        self.page.on("dialog", self._note)

    def _note(self, dialog: Dialog) -> None:
        self.fired.append(dialog.message)
        dialog.dismiss()

    def look(self, where: str) -> None:
        """Move the mouse over what is shown, and note whether anything ran."""
        self.page.mouse.move(300, 300)
        if self.page.evaluate("window.fired"):
            self.fired.append(where)


def spiteful(monkeypatch: pytest.MonkeyPatch, texts: list[str]) -> None:
    """Let studies be answered with ``texts``, each in turn: every arm goes on where one stopped."""
    answers = itertools.cycle(texts)

    def engine(_: object, **options: Any) -> FakeEngine:
        return FakeEngine(lambda messages, decoding: next(answers), **options)

    monkeypatch.setattr(evaluate_study, "FakeEngine", engine)


def test_no_kept_text_runs_as_a_script(
    scenario: Scenario, context: BrowserContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = list(payloads(PAYLOADS))
    spiteful(monkeypatch, texts)
    study = study_now(tmp_path, monkeypatch)
    with Store() as store:
        code = voted(store, study, texts)
        batch = reviewed(store, scenario, texts)
        collect(study, store)
    with web_app.running(web_app.app(scenario, FakeEngine(texts))) as url:
        watched = Watched(context)
        page = watched.page
        page.goto(web_app.entry(url))
        for text in texts:
            said = {"brief": {**web_app.BRIEF, "detail": text[:100]}, "keep": 1, "draws": 1}
            assert context.request.post(f"{url}/api/write", data=said).ok
        pages = [f"/review/{batch}/aside?page={n}" for n in range(1, 2 + PAYLOADS // 30)]
        pages += ["/", "/seeds?own=1", "/review", f"/review/{batch}", "/coverage",
                  "/ballot", f"/ballot/{code}", "/verdict", "/history"]  # fmt: skip
        for path in pages:
            page.goto(url + path, wait_until="networkidle")
            watched.look(path)
        older = page.locator("a[href*='before=']")
        seen = page.locator(".entry").count()
        while older.count():
            older.click()
            seen += page.locator(".entry").count()
            watched.look(page.url)
    assert seen == len(texts)
    assert FIRE in texts[0]
    assert watched.fired == []


SUBMIT = """([fields, text]) => {
  fields.forEach((field) => { document.querySelector(field).value = text });
  document.forms.brief.submit();
}"""
SHOWN = "(fields) => fields.map((field) => document.querySelector(field).value)"


def test_no_typed_text_runs_as_a_script(scenario: Scenario, context: BrowserContext) -> None:
    names = [dimension.name for dimension in scenario.dimensions]
    typed = [f"#brief [name={name}]" for name in names]
    watched = Watched(context)
    page = watched.page
    with web_app.running(web_app.app(scenario)) as url:
        page.goto(url)
        for text in payloads(PAYLOADS):
            with page.expect_navigation():
                page.evaluate(SUBMIT, [typed, text])
            assert page.evaluate(SHOWN, typed) == [text for _ in names]
            watched.look(text)
    assert watched.fired == []


def test_no_text_on_a_ballot_or_in_a_report_runs_as_a_script(
    scenario: Scenario, context: BrowserContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = list(payloads(PAYLOADS))
    spiteful(monkeypatch, texts)
    watched = Watched(context)
    page = watched.page
    told = ""
    for number in range(math.ceil(len(texts) / ANSWERED)):
        study = study_now(tmp_path / str(number), monkeypatch, f"study{number}")
        report, _ = write_report(study)
        told += report.read_text("utf-8")
        page.goto(report.as_uri())
        watched.look(report.name)
    assert [text for text in texts if str(escape(text.strip())) not in told] == []
    with Store() as store:
        code = store.write(lambda s: polling.open_poll(s, study, ballots=24)).code
    with web_app.running(web_app.app(scenario)) as url:
        hand_out(page, texts)
        page.goto(f"{url}/ballot/{code}")
        page.get_by_label("您的名字").fill(texts[0][:40])
        page.get_by_role("button", name="开始").click()
        for number, text in enumerate(texts):
            expect(page.locator("#done")).to_have_text(str(number), timeout=PATIENCE_MS)
            expect(page.locator("#left .text")).to_have_text(text, timeout=PATIENCE_MS)
            for key in ("q", "l", "1", "Enter"):
                page.keyboard.press(key)
        expect(page.get_by_role("heading", name="评完了")).to_be_visible()
        watched.look("ballot")
    assert watched.fired == []


def hand_out(page: Page, texts: list[str]) -> None:
    """Let the page of ballots be handed these texts, one after the other, on both sides."""
    handed = itertools.count()

    def answer(route: Route) -> None:
        done = next(handed)
        ballot = None
        if done < len(texts):
            text = texts[done]
            ballot = {"id": new_id(), "lines": [[text, text]], "left": text, "right": text}
        told = {"done": done, "total": len(texts), "last": None, "ballot": ballot}
        route.fulfill(json=told)

    page.route("**/ballot/*/next", answer)
    page.route("**/ballot/*/vote", answer)


FORMULAS = ("=", "+", "-", "@", "\t=", "＝", "＠", " =")


def test_no_text_runs_in_a_spreadsheet_or_comes_back_from_a_card(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{lead}{text}" for text, lead in zip(payloads(PAYLOADS), itertools.cycle(FORMULAS))]
    spiteful(monkeypatch, texts)
    path, cells = tmp_path / "ballots.csv", set()
    for number in range(math.ceil(len(texts) / ANSWERED)):
        study = study_now(tmp_path / str(number), monkeypatch, f"study{number}")
        with Store() as store:
            poll = store.write(lambda s, of=study: polling.open_poll(s, of, ballots=24))  # type: ignore[misc]
            store.write(lambda s, of=poll: export_ballots(s, of, path, 6))  # type: ignore[misc]
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells |= {cell for row in csv.reader(file) for cell in row}
    assert [
        c for c in cells if c.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    ] == []
    assert len({cell for cell in cells if FIRE in cell}) > len(texts) // 2
    with web_app.client(web_app.app(scenario)) as client:
        for text in texts[:CARDS]:
            body = {"text": text, "salutation": text[:40], "signature": text[-40:]}
            card = client.post("/api/cards", json=body)
            assert card.headers["x-content-type-options"] == "nosniff"
            drawn = (card.status_code, card.headers["content-type"], card.content[:4])
            assert drawn == (200, "image/png", b"\x89PNG"), (text, card.text[:200])


def voted(store: Store, study: Any, texts: list[str]) -> str:
    """Open a poll in which two people whose names are scripts have voted; return its code."""
    poll = store.write(lambda s: polling.open_poll(s, study, ballots=24))
    said = Opinion(send=True)
    for name in texts[:2]:
        rater = store.write(lambda s, n=name: joining.join(s, poll.code, n[:40]))  # type: ignore[misc]
        while (ballot := store.read(lambda s, r=rater: voting.next_ballot(s, r)[0])) is not None:  # type: ignore[misc]
            store.write(
                lambda s, b=ballot.id, k=rater.key: voting.vote(  # type: ignore[misc]
                    s, poll.code, k, b, identity=new_id(), choice="left", left=said, right=said,
                    seconds=1.0,
                )
            )  # fmt: skip
    return poll.code


def reviewed(store: Store, scenario: Scenario, texts: list[str]) -> str:
    """Bring in drafts whose texts, details and reasons are scripts; return the batch."""
    row = json.loads((scenario.folder / "drafts.jsonl").read_text("utf-8").splitlines()[0])
    lines = [
        {**row, "id": f"h{at}", "text": text, "detail": text[:100], "why": text}
        for at, text in enumerate(texts)
    ]
    data = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
    known = store.read(lambda s: seeds.known(s, scenario))
    read = intake.read_batch(scenario, Gates(scenario), texts[0], data, known)
    assert len(read[1]) > len(texts) // 2
    return store.write(lambda s: reviews.add_batch(s, *read)).id
