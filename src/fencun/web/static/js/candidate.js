// One candidate on the page: streamed in, edited in place, copied, judged, changed.

import { announce, id, post, say, toast } from "/static/js/common.js";
import { count, fit, tell } from "/static/js/gates.js";
import { copyText } from "/static/js/copy.js";
import { events } from "/static/js/stream.js";

const CHECK_AFTER_MS = 600;
const RETRY_MS = 2000;

export class CandidateView {
  /** `page` gives what all of them share: brief(), changes, card(view). */
  constructor(element, index, page) {
    this.element = element;
    this.page = page;
    this.index = index;
    this.name = element.querySelector(".ordinal").textContent;
    this.area = element.querySelector(".words");
    this.doubts = element.querySelector(".doubts");
    this.candidate = null;
    this.history = [];
    this.shown = "";
    this.busy = null;
    this.listen();
    this.wait();
  }

  listen() {
    const on = (selector, act) =>
      this.element.querySelectorAll(selector).forEach((button) => button.addEventListener("click", () => act(button)));
    on(".copy", () => this.copy());
    on(".card", () => this.page.card(this));
    on(".vote", (button) => this.vote(button));
    on(".change", (button) => (this.busy ? this.busy.abort() : this.change(button.dataset.change)));
    on(".undo", () => this.undo());
    for (const button of this.element.querySelectorAll(".change"))
      button.hidden = !this.page.changes.includes(button.dataset.change);
    this.area.addEventListener("input", () => this.edited());
    this.area.addEventListener("change", () => this.keepEdit());
  }

  get text() {
    return this.area.value;
  }

  /** Empty, and about to be written. */
  wait() {
    this.element.classList.add("writing");
    this.element.classList.remove("failed");
    this.area.readOnly = true;
    this.area.value = "";
    this.doubts.replaceChildren();
    this.element.querySelector("footer").hidden = true;
    this.element.querySelector(".best").hidden = true;
    this.fit();
  }

  add(text) {
    this.area.value += text;
    this.fit();
  }

  /** Whole, kept, and in the person's hands. */
  show(candidate, { best = false } = {}) {
    this.candidate = candidate;
    this.element.classList.remove("writing");
    this.area.readOnly = false;
    if (this.area.value !== candidate.text) {
      this.area.value = candidate.text;
      this.element.classList.add("swapped");
      setTimeout(() => this.element.classList.remove("swapped"), 500);
    }
    this.shown = candidate.text;
    this.element.querySelector("footer").hidden = false;
    this.element.querySelector(".best").hidden = !best;
    this.element.querySelector(".undo").hidden = this.history.length === 0;
    for (const button of this.element.querySelectorAll(".vote")) button.setAttribute("aria-pressed", "false");
    this.tell(candidate.gates, candidate.passed);
    this.fit();
  }

  tell(gates, passed) {
    tell(this.doubts, this.area, gates, passed);
  }

  fit() {
    const length = count(this.text);
    this.element.querySelector(".count").textContent = length ? say(`${length} 字`, `${length} chars`) : "";
    fit(this.area);
  }

  edited() {
    this.fit();
    clearTimeout(this.checking);
    this.checking = setTimeout(() => this.check(), CHECK_AFTER_MS);
  }

  async check() {
    const text = this.text;
    try {
      const found = await post("/api/check", { text, brief: this.candidate.asked ?? this.page.brief() });
      if (text === this.text) this.tell(found.gates, found.passed);
    } catch {
      this.doubts.replaceChildren(); // what was said of the old text no longer holds
    }
  }

  keepEdit() {
    if (this.candidate && this.text !== this.shown) {
      this.shown = this.text;
      this.event("edited", this.text);
    }
  }

  async copy() {
    const done = await copyText(this.text);
    toast(done ? say("复制好了，去粘贴吧。", "Copied.") : say("没能复制，请长按文字自己复制。", "Could not copy; please select the text."), { bad: !done });
    if (done) this.event("copied", this.text);
  }

  vote(button) {
    const pressed = button.getAttribute("aria-pressed") !== "true";
    for (const other of this.element.querySelectorAll(".vote")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", String(pressed));
    this.event(pressed ? button.dataset.vote : "unrated");
  }

  /** Tell the store, one thing after the other, in the order in which they were done. */
  event(kind, text = null) {
    const body = { id: id(), candidate: this.candidate.id, kind, text };
    this.telling = (this.telling ?? Promise.resolve()).then(() => note(body));
  }

  async change(kind) {
    const before = { candidate: this.candidate, text: this.text };
    this.keepEdit();
    this.busy = new AbortController();
    this.turn(true);
    let first = true;
    try {
      const body = { candidate: before.candidate.id, change: kind, text: before.text };
      for await (const { event, data } of events("/api/rewrite", body, this.busy.signal)) {
        if (event === "queued") this.queued(data.ahead);
        if (event === "piece" && data.draw === 0) {
          if (first) this.wait();
          first = false;
          this.add(data.text);
        }
        if (event === "kept") {
          this.history.push(before);
          this.show(data.candidates[0]);
          announce(say(`第${this.name}条换好了`, `Text ${this.name} is new`));
        }
      }
    } catch (error) {
      this.area.value = before.text;
      this.show({ ...before.candidate, text: before.text });
      if (error.name !== "AbortError") toast(error.message, { bad: true });
    } finally {
      this.busy = null;
      this.turn(false);
    }
  }

  queued(ahead) {
    if (ahead) toast(say(`前面还有 ${ahead} 位，写完就轮到。`, `${ahead} before you.`));
  }

  /** While a change is under way every button of the row reads 停下. */
  turn(busy) {
    this.element.setAttribute("aria-busy", String(busy));
    for (const button of this.element.querySelectorAll(".copy, .card, .vote, .undo")) button.disabled = busy;
    for (const button of this.element.querySelectorAll(".change")) {
      button.dataset.label ??= button.textContent;
      button.textContent = busy ? say("停下", "Stop") : button.dataset.label;
      button.classList.toggle("quiet-hidden", busy && button.dataset.change !== "redraw");
    }
    if (busy) this.element.querySelector("footer").hidden = false;
  }

  undo() {
    const before = this.history.pop();
    if (!before) return;
    this.area.value = before.text;
    this.show({ ...before.candidate, text: before.text });
    if (before.text !== before.candidate.text) this.check();
  }
}

/** Send an event, again if nobody answers: its id makes sure that it is kept once. */
async function note(body, tries = 3) {
  try {
    await post("/api/events", body);
  } catch (error) {
    if (error.code !== "offline" || tries === 1) return toast(error.message, { bad: true });
    await new Promise((done) => setTimeout(done, RETRY_MS));
    await note(body, tries - 1);
  }
}
