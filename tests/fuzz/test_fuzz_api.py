"""Nonsense to every route there is, by somebody who may do everything: never the server's fault.

``FENCUN_NONSENSE`` says how many times each route is asked. ``make soak`` lets schemathesis,
which knows the OpenAPI description, do the same twenty thousand times.
"""

import json
import os
import random
from typing import Any

import web_app
from test_web_access import NEEDED

from fencun.scenario import Scenario

EACH = int(os.environ.get("FENCUN_NONSENSE", "1"))
# Starts processes or opens models, or reads nothing that is sent and takes long: these have tests
# of their own.
LEFT_OUT = {
    "POST /tune/start",
    "POST /tune/prefer",
    "POST /tune/compare",
    "POST /tune/{name}/resume",
    "POST /review/practice",
}
WORDS = (
    "", " ", "0", "-1", "9" * 60, "1e999", "null", "true", "NaN", "\0", "\ud7ff", "😀" * 50,
    "王老师", "../../etc/passwd", "<script>", "{{7*7}}", "%00", "' OR 1=1 --", "a" * 5000,
    "\u202e年", "\u2028", "2026-13-99T99:99", "0" * 32, "f" * 32, "=1+1", "{}", "[]",
    "spring_festival/prompt",
)  # fmt: skip
KEYS = (
    "brief", "text", "salutation", "relation", "detail", "occasion", "style", "length", "seed",
    "draws", "keep", "id", "fields", "turn", "base", "author", "decision", "reviewer", "draft",
    "choice", "left", "right", "messages", "model", "n", "stream", "max_tokens", "name", "study",
    "page", "after", "before", "candidate", "change", "kind", "design", "signature", "event",
)  # fmt: skip


def nonsense(rng: random.Random, depth: int = 0) -> Any:
    """Return any JSON value at all."""
    kind = rng.randrange(8)
    if kind < 2 and depth < 3:
        return {rng.choice(KEYS): nonsense(rng, depth + 1) for _ in range(rng.randrange(6))}
    if kind == 2 and depth < 3:
        return [nonsense(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 3:
        return rng.choice([None, True, False, 0, -1, 2**63, 2**31, 1.5, -0.0, 10**39])
    return rng.choice(WORDS)


def test_nonsense_is_never_the_servers_fault(scenario: Scenario) -> None:
    rng = random.Random(20260206)
    broken = []
    with web_app.client(web_app.app(scenario)) as client:
        web_app.enter(client)
        for route in NEEDED:
            if route in LEFT_OUT:
                continue
            for _ in range(EACH):
                answer = client.request(**asked(rng, route, as_json=rng.random() < 0.5))
                if answer.status_code >= 500:
                    broken.append((route, answer.status_code, str(answer.request.content)[:200]))
    assert broken == []


def asked(rng: random.Random, route: str, *, as_json: bool) -> dict[str, Any]:
    """Return a request of ``route`` with nonsense in its path, its query and its body."""
    method, path = route.split(" ")
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        word = rng.choice(WORDS).replace("/", "").replace("\0", "").replace("{", "") or "x"
        path = path[:start] + word[:60] + path[end + 1 :]
    request: dict[str, Any] = {"method": method, "url": path, "follow_redirects": False}
    request["params"] = {rng.choice(KEYS): rng.choice(WORDS) for _ in range(rng.randrange(4))}
    request["headers"] = {"Accept": rng.choice(["*/*", "text/html"])}
    if method in ("POST", "PUT", "DELETE"):
        if as_json:
            request["content"] = json.dumps(nonsense(rng)).encode()
            request["headers"]["Content-Type"] = "application/json"
        else:
            form = {rng.choice(KEYS): rng.choice(WORDS) for _ in range(rng.randrange(8))}
            request["data"] = form if method == "POST" else None
    return request
