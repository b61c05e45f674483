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
  // Where nothing will do, neither would be sent: said once is enough.
  if (made === "neither") sides.forEach((side) => answered(side) || answer(side, "no"));
  ready();
  document.querySelectorAll(".choice").forEach((button) =>
    button.setAttribute("aria-pressed", String(button.dataset.choice === made)),
  );
  sides.forEach((side) => side.classList.toggle("chosen", side.id === made));
}

function answered(side) {
  return side.querySelector('.send[aria-checked="true"]');
}

function answer(side, sent) {
  side.querySelectorAll(".send").forEach((chip) =>
    chip.setAttribute("aria-checked", String(chip.dataset.send === sent)),
  );
  // What one would send as it is has nothing wrong with it.
  if (sent === "yes")
    side.querySelectorAll("[data-reason]").forEach((chip) => chip.setAttribute("aria-pressed", "false"));
  ready();
}

// Whether it would be sent is asked on every ballot: left open it would be missing, not a no.
function ready() {
  const open = sides.some((side) => !answered(side));
  document.getElementById("unsaid").hidden = !choice || !open;
  castButton.disabled = !choice || open;
}

function said(side) {
  const scales = {};
  side.querySelectorAll(".scale").forEach((scale) => {
    const picked = scale.querySelector('[aria-checked="true"]');
    if (picked) scales[scale.dataset.scale] = Number(picked.dataset.value);
  });
  return {
    send: answered(side)?.dataset.send === "yes",
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
    ready();
    if (error.code === "ballot") show(await get(`${base}/next`));
  } finally {
    sending = false;
  }
}

function cast() {
  if (!ballot || castButton.disabled) return;
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
  // What has something wrong with it would not be sent as it is.
  if (!on) answer(chip.closest(".side"), "no");
}

sides.forEach((side) =>
  side.addEventListener("click", (event) => {
    const chip = event.target.closest(".chip");
    if (!chip) return;
    if (chip.dataset.send) return answer(side, chip.dataset.send);
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

const SENDS = {
  q: [sides[0], "yes"], a: [sides[0], "no"], p: [sides[1], "yes"], l: [sides[1], "no"],
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || box.hidden) return;
  const focused = document.activeElement;
  const onButton = focused?.tagName === "BUTTON" || focused?.tagName === "SUMMARY";
  if (KEYS[event.key]) choose(KEYS[event.key]);
  else if (SENDS[event.key.toLowerCase()]) answer(...SENDS[event.key.toLowerCase()]);
  else if (event.key.toLowerCase() === "z") takeBack();
  else if (event.key === "Enter" && !(onButton && !focused.classList.contains("choice"))) cast();
  else return;
  event.preventDefault();
});

act(() => get(`${base}/next`));
