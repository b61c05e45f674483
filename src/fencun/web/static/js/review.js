// 审阅: one draft at a time, by keyboard and by thumb; sent until the server answers.

import { announce, el, get, id, insist, post, say, toast } from "/static/js/common.js";
import { count, fit, tell } from "/static/js/gates.js";

const box = document.getElementById("review");
const { batch, name } = box.dataset;
const base = `/api/reviews/${batch}`;
const $ = (key) => document.getElementById(key);
const [editor, text, list] = [$("editor"), $("text"), $("findings")];
const bars = { acts: $("acts"), saving: $("saving"), reasons: $("reasons") };

let shown = null; // what the server told last
let sending = false;
let checking = 0;

const kept = (draft) => `fencun-edit:${draft}`;

/** What was typed into a draft and not sent yet stays in this browser. */
const held = {
  read: (draft) => { try { return localStorage.getItem(kept(draft)); } catch { return null; } },
  write: (draft, value) => { try { localStorage.setItem(kept(draft), value); } catch { /* forbidden here */ } },
  drop: (draft) => { try { localStorage.removeItem(kept(draft)); } catch { /* forbidden here */ } },
};

function show(state) {
  shown = state;
  box.hidden = false;
  const draft = state.draft;
  $("mine").textContent = state.mine;
  $("left").textContent = state.left;
  for (const [key, number] of Object.entries(state.states))
    document.querySelectorAll(`[data-count="${key}"]`).forEach((each) => (each.textContent = number));
  reasons(state.reasons);
  $("draft").hidden = !draft;
  $("done").hidden = Boolean(draft);
  for (const button of bars.acts.querySelectorAll("button"))
    button.disabled = button.dataset.act === "undo" ? !state.last : !draft;
  bar("acts");
  leave();
  if (draft) put(draft);
}

function put(draft) {
  const wide = (value) => value.length > 14;
  $("asked").replaceChildren(
    ...draft.lines.map(([label, value]) => el("div", wide(value) ? { class: "wide" } : {}, el("dt", {}, label), el("dd", {}, value))),
  );
  text.textContent = draft.text;
  $("why").textContent = draft.why;
  $("edited").hidden = !draft.edited_by && !draft.brought_back_by;
  $("edited").replaceChildren(...(draft.edited_by ? [say(`${draft.edited_by} 改过。原来是：`, `Edited by ${draft.edited_by}. It was: `), el("del", {}, draft.original || "")] : draft.brought_back_by ? [say(`${draft.brought_back_by} 请回来的。`, `Brought back by ${draft.brought_back_by}.`)] : []));
  $("parent").hidden = !draft.parent?.text;
  if (draft.parent) $("parent").querySelector("p").textContent = draft.parent.text;
  tell(list, text, draft.gates, draft.passed);
  for (const button of list.querySelectorAll("button")) button.replaceWith(button.textContent);
  if (held.read(draft.id)) edit();
  else text.focus({ preventScroll: true });
  announce(draft.text);
}

function reasons(counts) {
  const most = Math.max(1, ...Object.values(counts));
  for (const row of document.querySelectorAll(".why [data-reason]")) {
    const number = counts[row.dataset.reason];
    row.classList.toggle("none", !number);
    row.querySelector("rect").setAttribute("width", (100 * number) / most);
    row.querySelector(".n").textContent = number;
  }
}

function bar(which) {
  for (const [key, each] of Object.entries(bars)) each.hidden = key !== which;
}

async function act(work) {
  if (sending) return;
  sending = true;
  box.setAttribute("aria-busy", "true");
  try {
    show(await work());
  } catch (error) {
    toast(error.message, { bad: true });
    // Decided by others meanwhile: go on with the next one.
    if (error.code === "review") show(await next().catch(() => shown));
  } finally {
    sending = false;
    box.removeAttribute("aria-busy");
  }
}

const next = (after = 0) => get(`${base}/next?${new URLSearchParams({ reviewer: name, after })}`);

function decide(decision, { reason = null, words = shown.draft.text } = {}) {
  const draft = shown.draft.id;
  const body = { id: id(), draft, reviewer: name, decision, text: words, reason };
  act(async () => {
    const state = await insist(base, body);
    held.drop(draft);
    return state;
  });
}

function edit() {
  const draft = shown.draft;
  editor.value = held.read(draft.id) ?? draft.text;
  editor.hidden = false;
  text.hidden = true;
  bar("saving");
  fit(editor);
  editor.focus();
  editor.setSelectionRange(editor.value.length, editor.value.length);
}

function leave() {
  clearTimeout(checking);
  editor.hidden = true;
  text.hidden = false;
}

editor.addEventListener("input", () => {
  held.write(shown.draft.id, editor.value);
  fit(editor);
  clearTimeout(checking);
  checking = setTimeout(check, 450);
});

async function check() {
  const words = editor.value;
  try {
    const { gates, passed } = await post("/api/check", { text: words.trim(), brief: shown.draft.brief });
    if (!editor.hidden && editor.value === words) tell(list, editor, gates, passed);
  } catch {
    // the gates answer again with the next key
  }
}

const ACTS = {
  accept: () => decide("accept"),
  edit,
  reject: () => {
    bar("reasons");
    bars.reasons.querySelector("button").focus();
  },
  skip: () => act(() => next(shown.draft.number)),
  undo: () => act(() => insist(`${base}/undo`, { draft: shown.last, reviewer: name })),
  save: () => {
    if (count(editor.value)) decide("edit", { words: editor.value.trim() });
  },
  cancel: () => {
    held.drop(shown.draft.id);
    show(shown);
  },
};

box.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.disabled || sending) return;
  if (button.dataset.reason) decide("reject", { reason: button.dataset.reason });
  else if (button.dataset.act) ACTS[button.dataset.act]();
});

const KEYS = { a: "accept", e: "edit", r: "reject", s: "skip", u: "undo" };

document.addEventListener("keydown", (event) => {
  if (box.hidden || sending || event.isComposing || event.repeat) return;
  if (!editor.hidden && document.activeElement === editor) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ACTS.save();
    else if (event.key === "Escape") ACTS.cancel();
    else return;
  } else if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) return;
  else if (!bars.reasons.hidden && event.key === "Escape") ACTS.cancel();
  else if (!bars.reasons.hidden && bars.reasons.querySelectorAll("[data-reason]")[Number(event.key) - 1])
    bars.reasons.querySelectorAll("[data-reason]")[Number(event.key) - 1].click();
  else if (!bars.acts.hidden && KEYS[event.key.toLowerCase()]) {
    const button = bars.acts.querySelector(`[data-act="${KEYS[event.key.toLowerCase()]}"]`);
    if (button.disabled) return;
    button.click();
  } else return;
  event.preventDefault();
});

act(() => next());
