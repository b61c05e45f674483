// 种子: gates while one types, nothing typed is lost, the list.

import { announce, el, here, post, request, say, ServerError, toast } from "/static/js/common.js";
import { count, fit, tell } from "/static/js/gates.js";
import { adopt, drop, local, Sketch } from "/static/js/sketch.js";

const form = document.getElementById("write");
const text = form.elements.text;
const list = document.getElementById("findings");
const state = document.getElementById("state");
const save = document.getElementById("save");
const problem = document.getElementById("problem");
const hint = document.getElementById("topic-hint");
const unfinished = document.getElementById("unfinished");
const { ranges, ...shape } = JSON.parse(document.getElementById("shape").textContent);
const OWN = ["seed", "base", "sketch", "author"];

/** form.elements.length is how many there are; a field may have that very name. */
const control = (name) => form.querySelector(`[name="${CSS.escape(name)}"]`);
const controls = [...form.elements].filter((each) => each.name && !OWN.includes(each.name));
const fields = () => Object.fromEntries(controls.map((each) => [each.name, each.value]));
const anything = () => ["textarea", "input"].some((kind) => [...form.querySelectorAll(kind)].some((c) => !OWN.includes(c.name) && c.value.trim()));

const sketch = new Sketch({
  seed: form.dataset.seed,
  sketch: form.dataset.sketch,
  turn: Number(form.dataset.turn),
  told: ({ state: now, look, error }) => {
    if (now === "typing") state.textContent = say("正在存…", "Keeping…");
    if (now === "offline")
      state.textContent = error.status === 0 || error.status >= 500
        ? say("连不上服务。字都在这个浏览器里，连上了自动存。", "The server does not answer. Your words are in this browser and will be kept as soon as it does.")
        : error.message;
    if (now === "kept") {
      state.textContent = say("打的字都存着。", "What you typed is kept.");
      show(look);
    }
  },
});

function show(look) {
  if (look.passed === null)
    list.replaceChildren(anything() ? el("li", { class: "wait" }, look.message) : "");
  else tell(list, text, look.gates, look.passed);
  const faults = look.gates.filter((gate) => gate.severity === "fault").length;
  save.textContent = faults ? say(`存下（还有 ${faults} 处要改）`, `Save (${faults} to mend)`) : say("存下", "Save");
  suggest(look.topics);
}

/** Where the detail tells of something grave, offer to mark it. */
function suggest(topics) {
  if (!hint) return;
  const topic = topics.find((one) => one.name !== form.elements.tact.value);
  hint.hidden = !topic || Boolean(form.elements.tact.value);
  if (hint.hidden) return;
  const mark = el("button", { type: "button", class: "button plain small" }, say("标上", "Mark it"));
  mark.addEventListener("click", () => {
    form.elements.tact.value = topic.name;
    form.elements.handling.value = topic.handling;
    hint.hidden = true;
    changed();
  });
  hint.replaceChildren(say(`细节里像有“${topic.name}”，按“${topic.handling}”处理？`, `The detail seems to tell of “${topic.name}”.`), mark);
}

/** How a matter is handled is asked only where there is one. */
function handled() {
  if (form.elements.handling) form.elements.handling.hidden = !form.elements.tact.value;
}

function counted() {
  handled();
  const range = ranges.name && ranges[control(ranges.name).value];
  const length = count(text.value);
  const box = document.getElementById("count");
  box.textContent = range ? say(`${length} 字，要 ${range[0]}–${range[1]}`, `${length}, wants ${range[0]}–${range[1]}`) : say(`${length} 字`, `${length} chars`);
  box.classList.toggle("count-bad", Boolean(range) && length > range[1]);
  form.querySelectorAll("textarea").forEach(fit);
}

function changed() {
  counted();
  problem.hidden = true;
  sketch.typed(fields());
}

form.addEventListener("input", (event) => {
  if (event.target.name === "author") return;
  event.target.removeAttribute("aria-invalid");
  if (event.target.name === "tact" && event.target.value)
    form.elements.handling.value = event.target.selectedOptions[0].dataset.handling;
  changed();
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  save.disabled = true;
  sketch.pause();
  // The server names a new seed after its sketch: pressed twice, it is one seed.
  const seed = form.dataset.seed || "new";
  const body = { id: sketch.id, fields: fields(), base: Number(form.dataset.base), author: form.elements.author.value };
  try {
    const saved = await request(`/api/seeds/${encodeURIComponent(seed)}`, { method: "PUT", body });
    sketch.end();
    const query = new URLSearchParams({ saved: (await saved.json()).seed });
    const audience = document.querySelector(".find select");
    if (audience && body.fields[audience.name]) query.set(audience.name, body.fields[audience.name]);
    location.assign(here(`/seeds?${query}`));
  } catch (error) {
    save.disabled = false;
    blame(error);
  }
});

function blame(error) {
  const kept = error instanceof ServerError && (error.status === 0 || error.status >= 500);
  problem.textContent = kept ? `${error.message}${say("字都还在，连上了再按一次。", " Nothing is lost; press again later.")}` : error.message;
  problem.hidden = false;
  announce(problem.textContent);
  const wrong = error.field && control(error.field);
  if (wrong) {
    wrong.setAttribute("aria-invalid", "true");
    wrong.focus();
  }
  if (kept) sketch.typed(fields());
}

document.getElementById("clear").addEventListener("click", async () => {
  if (anything() && !confirm(say("打的字都不要了？", "Throw away what you typed?"))) return;
  const gone = sketch.id;
  sketch.end();
  await drop(gone).catch(() => {});
  location.assign(here("/seeds#write"));
});

// Unfinished sketches: those the server told of, and those only this browser holds.

function offer() {
  const known = new Set([...unfinished.querySelectorAll("[data-sketch]")].map((item) => item.dataset.sketch));
  for (const item of unfinished.querySelectorAll("[data-sketch]"))
    if (item.dataset.sketch === sketch.id) item.remove();
  for (const held of local()) {
    if (held.id === sketch.id || known.has(held.id)) continue;
    const first = shape.to.map((name) => held.fields[name]).filter(Boolean).join(" · ");
    unfinished.querySelector("ul").append(
      el("li", { "data-sketch": held.id, "data-seed": held.seed || "" },
        el("span", { class: "told" }, el("b", {}, first || say("还没写给谁", "nobody yet")), " ", el("span", { class: "quiet" }, (held.fields.text || "").slice(0, 40))),
        el("button", { type: "button", class: "button small go-on" }, say("接着写", "Go on")),
        el("button", { type: "button", class: "button plain small drop" }, say("扔掉", "Drop"))),
    );
  }
  unfinished.hidden = !unfinished.querySelector("li");
}

unfinished.addEventListener("click", async (event) => {
  const item = event.target.closest("[data-sketch]");
  if (event.target.closest(".go-on")) {
    adopt(item.dataset.seed, item.dataset.sketch);
    location.assign(here(item.dataset.seed ? `/seeds?edit=${encodeURIComponent(item.dataset.seed)}#write` : "/seeds#write"));
  }
  if (event.target.closest(".drop")) {
    await drop(item.dataset.sketch).catch((error) => toast(error.message, { bad: true }));
    item.remove();
    unfinished.hidden = !unfinished.querySelector("li");
  }
});

const held = sketch.restored();
if (held) {
  for (const each of controls) if (Object.hasOwn(held, each.name)) each.value = held[each.name];
  state.textContent = say("上次打的字找回来了。", "What you typed last time is back.");
}
offer();
counted();
if (held) {
  sketch.fields = fields();
  sketch.soon(0);
} else if (text.value.trim()) look();

/** Ask the gates about a seed that was only opened: nothing was typed, nothing is to be kept. */
async function look() {
  const asked = fields();
  const brief = Object.fromEntries(shape.brief.map((name) => [name, asked[name]]));
  try {
    const { gates, passed } = await post("/api/check", { text: asked.text, brief });
    if (!sketch.fields) tell(list, text, gates, passed);
  } catch {
    // the gates answer again as soon as something is typed
  }
}
