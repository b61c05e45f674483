// Shared by all pages: requests, messages, ids.

const page = document.documentElement;
const english = page.lang.startsWith("en");

export const say = (zh, en) => (english ? en : zh);

/** The address of a page or an API in the scenario that this page is about. */
export const here = (path) => page.dataset.at + path;

/** That scenario's name. */
export const scenario = page.dataset.scenario;

/** A failed request, in the words of the server. */
export class ServerError extends Error {
  constructor(status, error = {}) {
    super(error.message || say(`请求没有成功（${status}）。`, `The request failed (${status}).`));
    this.status = status;
    this.code = error.code || "unknown";
    this.field = error.field?.split(".").at(-1) || null; // of "brief.relation" the control is called relation
    this.retryAfter = error.retry_after || null;
  }
}

/** fetch() in this page's scenario that throws a ServerError for anything but success, and says so when offline. */
export async function request(url, { method = "GET", body, accept = "application/json", signal } = {}) {
  let response;
  try {
    response = await fetch(here(url), {
      method,
      signal,
      headers: { Accept: accept, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError(0, {
      code: "offline",
      message: say("连不上服务，看看它还开着没有。", "The server does not answer; is it running?"),
    });
  }
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new ServerError(response.status, body.error);
  }
  return response;
}

export const get = async (url) => (await request(url)).json();
export const post = async (url, body) => (await request(url, { method: "POST", body })).json();

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Post until the server answers: the same id again is the same opinion. */
export async function insist(url, body) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await post(url, body);
    } catch (error) {
      const passing = error instanceof ServerError && (error.status === 0 || error.status >= 500);
      if (!passing || attempt >= 5) throw error;
      await pause(300 * 2 ** attempt);
    }
  }
}

export const remove = async (url) => (await request(url, { method: "DELETE" })).json();

/** A random id, also where the page is not served from a secure origin. */
export function id() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** Tell screen readers, without showing anything. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = text));
}

let hiding = 0;

/** Show a short message for a while. */
export function toast(text, { bad = false } = {}) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.classList.toggle("bad", bad);
  box.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (box.hidden = true), bad ? 8000 : 2600);
}

/** Make an element: el("p", { class: "quiet" }, "text", child). Text is never parsed as HTML. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
