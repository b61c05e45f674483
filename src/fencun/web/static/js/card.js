// The card maker: a dialog with a preview that the server draws.

import { request, say } from "/static/js/common.js";

const dialog = document.getElementById("card");
const image = document.getElementById("card-image");
const problem = document.getElementById("card-problem");
const download = document.getElementById("card-download");
const sign = document.getElementById("card-sign");

let shown = null;
let drawing = null;
let url = null;
let waiting = 0;

/** Open the dialog for a text: { text, salutation, kept } where kept(design) is told of a download. */
export function openCard(content) {
  shown = content;
  sign.value = sessionStorage.getItem("fencun-sign") || "";
  dialog.showModal();
  draw();
}

function chosen(name) {
  return dialog.querySelector(`input[name="${name}"]:checked`);
}

async function draw() {
  drawing?.abort();
  drawing = new AbortController();
  dialog.setAttribute("aria-busy", "true");
  const body = {
    text: shown.text,
    salutation: shown.salutation.slice(0, 40),
    signature: sign.value,
    design: chosen("design").value,
    setting: chosen("setting").value,
  };
  try {
    const response = await request("/api/cards", { method: "POST", body, accept: "image/png", signal: drawing.signal });
    if (url) URL.revokeObjectURL(url);
    url = URL.createObjectURL(await response.blob());
    image.src = download.href = url;
    const design = chosen("design").dataset.label;
    download.download = say(["贺卡", shown.salutation, design].filter(Boolean).join("-") + ".png", `card-${body.design}.png`);
    image.alt = say(`贺卡预览，${design}`, `Card preview, ${design}`);
    problem.hidden = true;
    download.removeAttribute("aria-disabled");
  } catch (error) {
    if (error.name === "AbortError") return;
    problem.textContent = error.message;
    problem.hidden = false;
    download.removeAttribute("href");
    download.setAttribute("aria-disabled", "true");
  }
  dialog.setAttribute("aria-busy", "false");
}

dialog.addEventListener("change", (event) => {
  if (event.target.type === "radio") draw();
});
sign.addEventListener("input", () => {
  sessionStorage.setItem("fencun-sign", sign.value);
  clearTimeout(waiting);
  waiting = setTimeout(draw, 350);
});
download.addEventListener("click", () => shown?.kept(chosen("design").value));
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // a click beside it
});
