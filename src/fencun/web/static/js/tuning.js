// 微调: say what takes a while, and keep the page of a run up to date.

import { announce, request, say, toast } from "/static/js/common.js";

const EVERY_MS = 2000;
const SLOWER_MS = 8000;

// A form that starts something slow says so, and cannot be sent twice.
document.addEventListener("submit", (event) => {
  const button = event.submitter || event.target.querySelector("button");
  const words = button.dataset.waits || event.target.dataset.waits;
  if (!words) return;
  button.disabled = true;
  button.textContent = words;
  announce(words);
});
window.addEventListener("pageshow", (event) => event.persisted && location.reload());

const view = document.getElementById("view");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const state = () => view.querySelector("[data-state]").dataset.state;

async function watch() {
  const shown = new Map([...view.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part.outerHTML]));
  let lost = false;
  while (["running", "stopping"].includes(state())) {
    await pause(lost ? SLOWER_MS : EVERY_MS);
    if (document.hidden) continue;
    try {
      const response = await request(view.dataset.url, { accept: "text/html" });
      put(await response.text(), shown);
      lost = false;
    } catch (error) {
      if (!lost) toast(say("连不上服务；训练在自己的进程里，不受影响。", "The server does not answer; the run goes on without it."), { bad: true });
      lost = true;
    }
  }
}

/** Put the parts that changed in place; what was unfolded, or in use, stays so. */
function put(html, shown) {
  const before = state();
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const name = part.dataset.part;
    const text = part.outerHTML;
    const old = view.querySelector(`[data-part="${name}"]`);
    if (shown.get(name) === text) continue;
    if (name !== "now" && old.contains(document.getSelection()?.anchorNode) && !document.getSelection().isCollapsed) continue;
    shown.set(name, text);
    const open = [...old.querySelectorAll("details[open]")].map((details) => details.id);
    const focused = old.contains(document.activeElement) ? document.activeElement.closest("form")?.getAttribute("action") : null;
    old.replaceWith(document.adoptNode(part));
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) view.querySelector(`form[action="${CSS.escape(focused)}"] button`)?.focus();
  }
  if (state() !== before) announce(view.querySelector("[data-state]").dataset.words);
}

if (view) watch();
