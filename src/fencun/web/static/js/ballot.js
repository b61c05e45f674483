// 盲评: show a ballot, gather what is said of it, send it until it is acknowledged.

import { announce, el, get, id, insist, say, toast } from "./common.js";

const box = document.getElementById("vote");
const base = `/ballot/${box.dataset.code}`;
const sides = ["left", "right"].map((name) => document.getElementById(name));
const castButton = document.getElementById("cast");
const backButton = document.getElementById("back");

let ballot = null;
let last = null;
let choice = null;
let shownAt = 0;
let sending = false;

function show(state) {
  ballot = state.ballot;
  last = state.last;
  choice = null;
  document.getElementById("done").textContent = state.done;
  document.getElementById("total").textContent = state.total;
  const bar = document.getElementById("bar");
  bar.max = Math.max(1, state.total);
  bar.value = state.done;
  box.hidden = !ballot;
  document.getElementById("thanks").hidden = Boolean(ballot);
  document.getElementById("back-end").hidden = !last;
  backButton.disabled = !last;
  if (!ballot) return announce(say("评完了，谢谢您", "All done, thank you"));
  document.getElementById("asked").replaceChildren(
    ...ballot.lines.map(([label, value]) =>
      el("div", { class: value.length > 14 ? "wide" : "" }, el("dt", {}, label), el("dd", {}, value)),
    ),
  );
  sides.forEach((side) => {
    side.querySelector(".text").textContent = ballot[side.id];
    side.querySelectorAll("[aria-pressed]").forEach((chip) => chip.setAttribute("aria-pressed", "false"));
    side.querySelectorAll("[aria-checked]").forEach((chip) => chip.setAttribute("aria-checked", "false"));
  });
  choose(null);
  window.scrollTo(0, 0);
  shownAt = performance.now();
  announce(say(`第 ${state.done + 1} 组`, `Pair ${state.done + 1}`));
}

function choose(made) {
  choice = made;
  castButton.disabled = !made;
  document.querySelectorAll(".choice").forEach((button) =>
    button.setAttribute("aria-pressed", String(button.dataset.choice === made)),
  );
  sides.forEach((side) => side.classList.toggle("chosen", side.id === made));
}

function said(side) {
  const scales = {};
  side.querySelectorAll(".scale").forEach((scale) => {
    const picked = scale.querySelector('[aria-checked="true"]');
    if (picked) scales[scale.dataset.scale] = Number(picked.dataset.value);
  });
  return {
    send: side.querySelector(".send").getAttribute("aria-pressed") === "true",
    reasons: [...side.querySelectorAll('[data-reason][aria-pressed="true"]')].map((chip) => chip.dataset.reason),
    scales,
  };
}

async function act(work) {
  if (sending) return;
  sending = true;
  castButton.disabled = true;
  try {
    show(await work());
  } catch (error) {
    toast(error.message, { bad: true });
    if (error.code === "closed" || error.code === "not_found") setTimeout(() => location.reload(), 1500);
    castButton.disabled = !choice;
    if (error.code === "ballot") show(await get(`${base}/next`));
  } finally {
    sending = false;
  }
}

function cast() {
  if (!choice || !ballot) return;
  const vote = {
    id: id(),
    ballot: ballot.id,
    choice,
    left: said(sides[0]),
    right: said(sides[1]),
    seconds: Math.round((performance.now() - shownAt) / 100) / 10,
  };
  act(() => insist(`${base}/vote`, vote));
}

function takeBack() {
  if (!last) return;
  const taken = last;
  act(async () => {
    const state = await insist(`${base}/back`, { ballot: taken });
    toast(say("收回了，请重新投这一组。", "Taken back; please vote on it again."));
    return state;
  });
}

function press(chip) {
  const on = chip.getAttribute("aria-pressed") === "true";
  chip.setAttribute("aria-pressed", String(!on));
  const side = chip.closest(".side");
  // What one would send as it is has nothing wrong with it, and the other way round.
  if (!on && chip.classList.contains("send"))
    side.querySelectorAll("[data-reason]").forEach((other) => other.setAttribute("aria-pressed", "false"));
  if (!on && chip.dataset.reason) side.querySelector(".send").setAttribute("aria-pressed", "false");
}

sides.forEach((side) =>
  side.addEventListener("click", (event) => {
    const chip = event.target.closest(".chip");
    if (!chip) return;
    if (!chip.dataset.value) return press(chip);
    const on = chip.getAttribute("aria-checked") === "true";
    chip.parentElement.querySelectorAll(".chip").forEach((other) => other.setAttribute("aria-checked", "false"));
    chip.setAttribute("aria-checked", String(!on));
  }),
);
document.querySelectorAll(".choice").forEach((button) =>
  button.addEventListener("click", () => choose(button.dataset.choice)),
);
castButton.addEventListener("click", cast);
backButton.addEventListener("click", takeBack);
document.getElementById("back-end").addEventListener("click", takeBack);

const KEYS = { 1: "left", 2: "right", 3: "tie", 4: "neither", ArrowLeft: "left", ArrowRight: "right" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || box.hidden) return;
  const focused = document.activeElement;
  const onButton = focused?.tagName === "BUTTON" || focused?.tagName === "SUMMARY";
  if (KEYS[event.key]) choose(KEYS[event.key]);
  else if (event.key.toLowerCase() === "q") press(sides[0].querySelector(".send"));
  else if (event.key.toLowerCase() === "p") press(sides[1].querySelector(".send"));
  else if (event.key.toLowerCase() === "z") takeBack();
  else if (event.key === "Enter" && !(onButton && !focused.classList.contains("choice"))) cast();
  else return;
  event.preventDefault();
});

act(() => get(`${base}/next`));
