// What is typed is never lost: every keystroke goes into this browser, every pause to the server.

import { id, request, scenario, ServerError } from "/static/js/common.js";

const PREFIX = "fencun-sketch:";
const tab = (seed) => `${PREFIX}${scenario}/${seed || "new"}`;
const PAUSE_MS = 500;
const AGAIN_MS = 3000;

function storage(work, fallback = null) {
  try {
    return work();
  } catch {
    return fallback; // private windows may forbid it; the server still keeps the text
  }
}

const read = (key) => storage(() => JSON.parse(localStorage.getItem(PREFIX + key)));

/** Sketches that lie in this browser, newest first. */
export function local() {
  const found = [];
  storage(() => {
    for (let at = 0; at < localStorage.length; at += 1) {
      const key = localStorage.key(at);
      if (key.startsWith(PREFIX)) found.push({ id: key.slice(PREFIX.length), ...read(key.slice(PREFIX.length)) });
    }
  });
  return found.filter((sketch) => sketch.fields && (sketch.scenario ?? scenario) === scenario).sort((a, b) => b.turn - a.turn);
}

/** Forget a sketch, here and on the server. */
export async function drop(sketch) {
  storage(() => localStorage.removeItem(PREFIX + sketch));
  await request(`/api/sketches/${sketch}`, { method: "DELETE" });
}

/** Have this tab go on with a sketch when the page is loaded again. */
export const adopt = (seed, sketch) => storage(() => sessionStorage.setItem(tab(seed), sketch));

export class Sketch {
  /** `told` hears of { state: "typing" | "kept" | "offline", look }. */
  constructor({ seed, sketch, turn, told }) {
    this.seed = seed;
    this.told = told;
    this.turn = turn || 0;
    this.tab = tab(seed);
    this.id = sketch || storage(() => sessionStorage.getItem(this.tab)) || id();
    adopt(seed, this.id);
    this.timer = 0;
    this.sending = null;
  }

  /** What this browser holds, where that is newer than what the page came with. */
  restored() {
    const held = read(this.id);
    if (!held || held.turn <= this.turn) return null;
    this.turn = held.turn;
    return held.fields;
  }

  typed(fields) {
    this.turn = Math.max(Date.now(), this.turn + 1);
    this.fields = fields;
    storage(() => localStorage.setItem(PREFIX + this.id, JSON.stringify({ scenario, seed: this.seed, fields, turn: this.turn })));
    this.told({ state: "typing" });
    this.soon(PAUSE_MS);
  }

  soon(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), pause);
  }

  async send() {
    this.sending?.abort();
    const mine = (this.sending = new AbortController());
    const body = { seed: this.seed, fields: this.fields, turn: this.turn };
    try {
      const response = await request(`/api/sketches/${this.id}`, { method: "PUT", body, signal: mine.signal });
      const look = await response.json();
      if (this.sending === mine) this.told({ state: "kept", look });
    } catch (error) {
      if (error.name === "AbortError" || this.sending !== mine) return;
      const passing = error instanceof ServerError && (error.status === 0 || error.status >= 500);
      this.told({ state: "offline", error });
      if (passing) this.soon(AGAIN_MS);
    }
  }

  /** Stop sending: what was typed is saved, or thrown away. */
  end() {
    clearTimeout(this.timer);
    this.sending?.abort();
    this.sending = null;
    storage(() => localStorage.removeItem(PREFIX + this.id));
    storage(() => sessionStorage.removeItem(this.tab));
  }

  pause() {
    clearTimeout(this.timer);
    this.sending?.abort();
    this.sending = null;
  }
}
