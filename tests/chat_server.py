"""A real OpenAI-compatible server on loopback, in a thread, that answers as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = "老周，树还在，咱俩爬不动了，给你拜年，少熬夜。"
Said = dict[str, Any]


@dataclass
class Server:
    """``say`` gets a request's body and returns raw bytes of SSE, or a status and an error.

    ``asked`` holds the bodies; a request waits for ``gate`` before it is answered, and with
    ``cut`` only that many bytes of an answer are sent.
    """

    say: Callable[[Said], "bytes | tuple[int, Said]"]
    url: str = ""
    asked: list[Said] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    cut: int | None = None
    kill: Callable[[], None] = lambda: None


def sse(*events: Said, done: bool = True) -> bytes:
    """Return a stream of ``events``."""
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def answer(text: str, finish: str | None = "stop") -> bytes:
    """Return a stream that says ``text`` in two pieces."""
    half = len(text) // 2
    pieces = [{"choices": [{"delta": {"content": part}}]} for part in (text[:half], text[half:])]
    end: Said = {"choices": [{"delta": {}, "finish_reason": finish}]}
    return sse(*pieces, end, {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}})


class _Handler(BaseHTTPRequestHandler):
    server_state: Server

    def do_POST(self) -> None:
        state = self.server_state
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        state.asked.append(asked)
        state.gate.wait(30)
        said = state.say(asked)
        status, body = (200, said) if isinstance(said, bytes) else (said[0], json.dumps(said[1]))
        raw = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream" if status == 200 else "text/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw if state.cut is None else raw[: state.cut])

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(say: Callable[[Said], "bytes | tuple[int, Said]"] | None = None) -> Iterator[Server]:
    """Serve on a free port; ``url`` ends in ``/v1``. ``kill`` stops listening at once."""
    state = Server(say or (lambda _: answer(GOOD)))
    state.gate.set()
    handler = type("Handler", (_Handler,), {"server_state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"

    def kill() -> None:
        state.cut = 0
        server.shutdown()
        server.socket.close()

    state.kill = kill
    try:
        yield state
    finally:
        state.gate.set()
        kill()
        thread.join()
        server.server_close()
