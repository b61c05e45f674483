// What the gates say of a text, as a list; pressing one shows which words are meant.

import { el, say } from "/static/js/common.js";

/** Select a passage. Offsets count characters of the trimmed text; an area counts UTF-16 units. */
export function point(area, start, end) {
  const lead = area.value.length - area.value.trimStart().length;
  const characters = Array.from(area.value.slice(lead));
  const units = (count) => lead + characters.slice(0, count).join("").length;
  area.focus();
  area.setSelectionRange(units(start), units(end));
}

/** Show `gates` in `list`; `area` is where the text stands. */
export function tell(list, area, gates, passed) {
  const items = gates.map((gate) => {
    if (gate.end <= gate.start) return el("li", { class: gate.severity }, gate.message);
    const button = el("button", { type: "button", title: say("看看在哪里", "Show where") }, gate.message);
    button.addEventListener("click", () => point(area, gate.start, gate.end));
    return el("li", { class: gate.severity }, button);
  });
  if (!items.length && passed) items.push(el("li", { class: "fine" }, say("关卡都过了", "Passed every gate")));
  list.replaceChildren(...items);
}

/** Characters as the gates count them: no white space. */
export const count = (text) => Array.from(text.replace(/\s/g, "")).length;

/** Make an area as high as its text. */
export function fit(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}
