// 场景: what a model would be told follows what is typed; nobody is asked to write.

import { here, say, toast } from "/static/js/common.js";
import "/static/js/upload.js";

const form = document.getElementById("try");
const shown = document.getElementById("tried");
const PAUSE_MS = 300;
let pausing = 0;
let asking = null;

async function follow() {
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    const response = await fetch(here("/scenario/tried"), {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "text/html" },
      signal: mine.signal,
    });
    const html = await response.text();
    if (mine.signal.aborted) return;
    if (!response.ok) throw new Error(String(response.status));
    put(html);
  } catch (error) {
    if (error.name !== "AbortError") toast(say("没有跟上，稍后再试。", "It could not follow; try again."), { bad: true });
  }
}

/** Put what came in place; what was unfolded stays so, and the field at fault is marked. */
function put(html) {
  const folds = new Map([...shown.querySelectorAll("details[data-arm]")].map((fold) => [fold.dataset.arm, fold.open]));
  const fresh = new DOMParser().parseFromString(html, "text/html");
  shown.replaceChildren(...document.adoptNode(fresh.body).childNodes);
  for (const fold of shown.querySelectorAll("details[data-arm]")) fold.open = folds.get(fold.dataset.arm) ?? fold.open;
  const wrong = shown.querySelector("[data-wrong]")?.dataset.wrong;
  for (const control of form.elements) {
    if (control.name === wrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
}

form.addEventListener("input", () => {
  clearTimeout(pausing);
  pausing = setTimeout(follow, PAUSE_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(pausing);
  follow();
});
