// The page on which one writes: the form, its chips, and the three candidates.

import { announce, request, say } from "/static/js/common.js";
import { openCard } from "/static/js/card.js";
import { CandidateView } from "/static/js/candidate.js";
import { events } from "/static/js/stream.js";

const SLOTS = 3;
const SLOW_MS = 6000;
const settings = JSON.parse(document.getElementById("settings").textContent);
const form = document.getElementById("brief");
const go = document.getElementById("go");
const stop = document.getElementById("stop");
const progress = document.getElementById("progress");
const results = document.getElementById("results");
const problem = document.getElementById("problem");
const verdict = document.getElementById("verdict");
const unsure = document.getElementById("unsure");
const examples = document.getElementById("examples");

const caution = document.getElementById("caution");
const sayIt = caution?.querySelector("input");

let writing = null;
let asked = {};

const fields = Object.fromEntries(
  [...form.querySelectorAll("[data-field]")].map((box) => [box.dataset.field, box.querySelector("input, textarea")]),
);

const page = {
  changes: settings.changes,
  brief: () => asked,
  card: (view) =>
    openCard({
      text: view.text,
      salutation: asked[settings.salutation] || "",
      kept: (design) => view.event("card", design),
    }),
};

function brief() {
  const typed = Object.fromEntries(Object.entries(fields).map(([name, input]) => [name, input.value.trim()]));
  if (sayIt?.checked && !caution.hidden) typed[sayIt.name] = sayIt.value;
  return typed;
}

// Chips: pressing one fills the field in; typing presses the one that is meant. What other words
// mean, only the server knows; it is asked when the typing rests.

const REST_MS = 250;
let resting = 0;
let reading = null;

const chipsOf = (box) => [...box.querySelectorAll(".chip")];

function press(box) {
  const typed = fields[box.dataset.field].value.trim();
  const own = chipsOf(box).some((chip) => chip.dataset.value === typed);
  show(box, own ? typed : null, "");
  if (typed && !own) soon();
}

function show(box, value, words) {
  for (const chip of chipsOf(box)) chip.setAttribute("aria-pressed", String(chip.dataset.value === value));
  const hint = box.querySelector(".hint");
  hint.textContent = words || hint.dataset.text;
}

/** Ask the server how the words in the fields are understood, and say so before anything is written. */
async function understand() {
  const typed = brief();
  reading?.abort();
  reading = new AbortController();
  let told, warned;
  try {
    const answer = await request("/api/read", { method: "POST", body: { brief: typed }, signal: reading.signal });
    ({ fields: told, caution: warned } = await answer.json());
  } catch {
    return; // a newer question is under way, or writing will say what is wrong
  }
  warn(warned);
  for (const [name, { value, told: words }] of Object.entries(told)) {
    if (fields[name].value.trim() !== typed[name] || value === typed[name]) continue;
    const box = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    show(box, value, value ? say(`当作“${words}”，也记着您的原话。`, `Taken as ${words}; your words are kept.`) : words);
  }
}

/** Say what the detail tells that will not be named, and let the writer decide otherwise. */
function warn(words) {
  if (!caution) return;
  caution.hidden = !words;
  if (caution.firstElementChild.textContent !== words) caution.firstElementChild.textContent = words;
}

/** Ask once the typing rests. */
function soon() {
  clearTimeout(resting);
  resting = setTimeout(understand, REST_MS);
}

function unfold(box, open) {
  const more = box.querySelector(".more");
  box.querySelector(".chips").classList.toggle("folded", !open);
  more.setAttribute("aria-expanded", String(open));
  more.textContent = open ? say("收起", "Fewer") : more.dataset.label;
}

function setUpChips(box) {
  const name = box.dataset.field;
  const input = fields[name];
  const chips = box.querySelector(".chips");
  const more = box.querySelector(".more");
  input.removeAttribute("list"); // the chips do that now
  input.addEventListener("input", () => press(box));
  chips.addEventListener("click", (event) => {
    const chip = event.target.closest(".chip");
    if (!chip) return;
    const same = input.value.trim() === chip.dataset.value;
    input.value = same ? "" : chip.dataset.value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  more.dataset.label = more.textContent;
  more.addEventListener("click", () => unfold(box, more.getAttribute("aria-expanded") !== "true"));
  const fold = () => {
    const open = more.getAttribute("aria-expanded") === "true";
    chips.classList.add("folded");
    more.hidden = chips.scrollHeight <= chips.clientHeight + 4;
    chips.classList.toggle("folded", !open && !more.hidden);
  };
  fold();
  press(box);
  new ResizeObserver(fold).observe(form);
}

// What the server finds wrong is said beside the field.

function blame(field, message) {
  const box = form.querySelector(`[data-field="${CSS.escape(field)}"]`);
  if (!box) return false;
  const wrong = box.querySelector(".wrong");
  wrong.textContent = message;
  wrong.hidden = false;
  fields[field].setAttribute("aria-invalid", "true");
  fields[field].focus();
  return true;
}

function forgive(field) {
  const box = form.querySelector(`[data-field="${CSS.escape(field)}"]`);
  box.querySelector(".wrong").hidden = true;
  fields[field].removeAttribute("aria-invalid");
}

// Writing

function newViews() {
  const template = document.getElementById("candidate-template");
  const ordinals = say("一二三", "123");
  const views = Array.from({ length: SLOTS }, (_, index) => {
    const element = template.content.firstElementChild.cloneNode(true);
    element.dataset.slot = index;
    element.querySelector(".ordinal").textContent = ordinals[index];
    element.querySelector(".words").setAttribute("aria-label", say(`第${ordinals[index]}条，可以直接改`, `Text ${index + 1}, editable`));
    return element;
  });
  document.getElementById("candidates").replaceChildren(...views);
  return views.map((element, index) => new CandidateView(element, index, page));
}

/** Put what was kept where it was streamed, so that nothing moves under the reader's eyes. */
function place(views, candidates) {
  const left = candidates.map((candidate, rank) => ({ candidate, best: rank === 0 && candidates.length > 1 && candidate.passed }));
  const free = [];
  for (const view of views) {
    const at = left.findIndex(({ candidate }) => candidate.text === view.text.trim());
    if (at < 0) free.push(view);
    else {
      const [{ candidate, best }] = left.splice(at, 1);
      view.show(candidate, { best });
    }
  }
  for (const view of free) {
    const next = left.shift();
    if (next) view.show(next.candidate, { best: next.best });
    else view.element.remove();
  }
}

/** Show the written lines nearest to the brief, folded unless nothing better is at hand. */
function showExamples(found, open) {
  examples.hidden = !found.length;
  examples.open = open;
  examples.querySelector("ul").replaceChildren(
    ...found.map(({ told, text }) => {
      const item = document.createElement("li");
      const asked = Object.assign(document.createElement("p"), { className: "asked", textContent: told });
      item.append(asked, Object.assign(document.createElement("p"), { textContent: text }));
      return item;
    }),
  );
}

function follow({ event, data }, views, state) {
  if (event === "queued")
    progress.textContent = data.ahead
      ? say(`前面还有 ${data.ahead} 位，写完就轮到。`, `${data.ahead} before you.`)
      : say("马上轮到。", "You are next.");
  if (event === "piece") {
    if (!state.started) progress.textContent = say("正在写…", "Writing…");
    state.started = true;
    views[data.draw]?.add(data.text);
  }
  if (event === "done") {
    state.done += 1;
    progress.textContent = say(`写好 ${state.done} 条，挑三条最合适的…`, `${state.done} written, choosing…`);
  }
  if (event === "kept") {
    place(views, data.candidates);
    verdict.hidden = data.passed;
    unsure.hidden = !(data.unsure && data.passed);
    showExamples(data.examples, data.unsure || !data.passed);
    progress.textContent = say(`写了 ${data.drawn} 条，挑出这 ${data.candidates.length} 条。`, `${data.candidates.length} of ${data.drawn}.`);
    announce(say(`${data.candidates.length} 条写好了`, `${data.candidates.length} texts are ready`));
  }
}

async function write() {
  writing?.abort();
  const mine = (writing = new AbortController());
  const before = shown();
  asked = brief();
  problem.hidden = verdict.hidden = unsure.hidden = examples.hidden = true;
  go.hidden = true;
  stop.hidden = false;
  progress.textContent = say("正在准备…", "Getting ready…");
  const slow = setTimeout(() => {
    progress.textContent += say("服务刚启动时，第一次要久一点。", " The first one after a start takes longer.");
  }, SLOW_MS);
  const views = newViews();
  results.hidden = false;
  results.setAttribute("aria-busy", "true");
  try {
    const state = { started: false, done: 0 };
    const body = { brief: asked, keep: SLOTS };
    for await (const event of events("/api/write", body, mine.signal)) {
      if (event.event === "piece") {
        clearTimeout(slow);
        if (!state.started) reveal();
      }
      follow(event, views, state);
    }
  } catch (error) {
    if (writing !== mine) return;
    failed(error, views, before);
  } finally {
    clearTimeout(slow);
    if (writing === mine) {
      writing = null;
      go.hidden = false;
      stop.hidden = true;
      if (document.getElementById("candidates").childElementCount) go.textContent = say("再写三条", "Three more");
      results.setAttribute("aria-busy", "false");
    }
  }
}

/** What the page shows now, to come back to when nothing new is written. */
function shown() {
  const views = [...document.getElementById("candidates").querySelectorAll(".candidate:not(.writing, .failed)")];
  return { views, asked, verdict: verdict.hidden, unsure: unsure.hidden, examples: examples.hidden };
}

function bringBack(before) {
  document.getElementById("candidates").replaceChildren(...before.views);
  verdict.hidden = before.verdict;
  unsure.hidden = before.unsure;
  examples.hidden = before.examples;
  if (before.views.length) asked = before.asked;
}

function failed(error, views, before) {
  progress.textContent = "";
  for (const view of views) {
    view.element.classList.remove("writing");
    view.element.classList.add("failed");
  }
  if (views.every((view) => !view.text)) bringBack(before);
  const none = document.getElementById("candidates").childElementCount === 0;
  if (error.name === "AbortError") {
    progress.textContent = say("停下了。", "Stopped.");
    results.hidden = none;
    return;
  }
  if (error.field && Object.hasOwn(fields, error.field) && blame(error.field, error.message)) {
    results.hidden = none;
    return;
  }
  const later = error.retryAfter ? say(`（${error.retryAfter} 秒后）`, ` (in ${error.retryAfter} s)`) : "";
  problem.textContent = error.message + later;
  problem.hidden = false;
  announce(problem.textContent);
}

/** Bring the candidates into view, unless they are, or the person looks elsewhere. */
function reveal() {
  const top = results.getBoundingClientRect().top;
  if (top < window.innerHeight * 0.55 && top > 0) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  results.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
}

form.querySelectorAll("[data-field]").forEach((box) => {
  const name = box.dataset.field;
  if (box.querySelector(".chips")) setUpChips(box);
  if (box.contains(caution)) fields[name].addEventListener("input", soon);
  fields[name].addEventListener("input", () => forgive(name));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  write();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) write();
});
stop.addEventListener("click", () => writing?.abort());
document.getElementById("example").addEventListener("click", () => {
  for (const [name, input] of Object.entries(fields)) {
    input.value = settings.example[name] || "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  go.focus();
});
