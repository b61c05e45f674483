"""What tests of endpoints share: a server that answers as it is told, and an engine at it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from fencun.models.endpoint import EndpointEngine
from fencun.models.engine import Message

HELLO: list[Message] = [{"role": "user", "content": "你好"}]


Answer = Callable[[dict[str, Any]], httpx.Response]


def stream_of(*texts: str, finish: str = "stop", done: bool = True) -> httpx.Response:
    events: list[Any] = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    events.append({"choices": [{"delta": {}, "finish_reason": finish}]})
    events.append({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": len(texts)}})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    if done:
        lines.append("data: [DONE]\n\n")
    return httpx.Response(200, content="".join(lines).encode())


class Endpoint:
    """Answers in turn, the last one again and again; ``asked`` holds the request bodies."""

    def __init__(self, *answers: httpx.Response | Exception | Answer) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.requests.append(request)
        self.asked.append(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(body)


@asynccontextmanager
async def engine_at(
    there: Endpoint, model: str = "qwen3-8b", **options: Any
) -> AsyncIterator[EndpointEngine]:
    engine = EndpointEngine("http://there/v1/", model, api_key="secret", **options)
    async with replaced(engine, there):
        yield engine


@asynccontextmanager
async def replaced(engine: EndpointEngine, there: Endpoint) -> AsyncIterator[None]:
    """Put ``there`` in the place of the network; close the engine at the end."""
    headers = engine._http.headers
    await engine._http.aclose()
    engine._http = httpx.AsyncClient(transport=httpx.MockTransport(there), headers=headers)
    try:
        yield
    finally:
        await engine.aclose()


def thinking(body: dict[str, Any]) -> httpx.Response:
    """Think for a thousand tokens, whatever is asked."""
    thoughts = {"choices": [{"delta": {"reasoning_content": "想"}}]}
    if body["max_tokens"] < 1000:
        cut = {"choices": [{"delta": {}, "finish_reason": "length"}]}
        events = [thoughts, cut]
    else:
        whole = {"choices": [{"delta": {"content": "好"}, "finish_reason": "stop"}]}
        events = [thoughts, whole]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return httpx.Response(200, content="".join([*lines, "data: [DONE]\n\n"]).encode())
