// Server-sent events over fetch: a POST that streams, and that can be broken off.

import { request, ServerError, say } from "/static/js/common.js";

/** Post and yield { event, data } as they come. Throws ServerError, also for an error event. */
export async function* events(url, body, signal) {
  const response = await request(url, { method: "POST", body, accept: "text/event-stream", signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  let ended = false;
  try {
    while (!ended) {
      let chunk;
      try {
        chunk = await reader.read();
      } catch (error) {
        if (error.name === "AbortError") throw error;
        throw broken();
      }
      if (chunk.done) break;
      held += chunk.value;
      const blocks = held.split("\n\n");
      held = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (!event) continue;
        if (event.event === "error") throw new ServerError(200, event.data.error);
        ended = event.event === "kept";
        yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  if (!ended) throw broken();
}

function parse(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trim());
  }
  return data.length ? { event, data: JSON.parse(data.join("\n")) } : null;
}

function broken() {
  return new ServerError(0, {
    code: "broken",
    message: say("连接断了，没有写完；请再试一次。", "The connection broke off; please try again."),
  });
}
