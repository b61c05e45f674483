"""Any OpenAI-compatible endpoint: what is sent, what is tried again, what is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from fencun.errors import BusyError, EngineError
from fencun.models import endpoint
from fencun.models.endpoint import EndpointEngine
from fencun.models.engine import Decoding, Delta, Message, Whole

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
    await engine._http.aclose()
    engine._http = httpx.AsyncClient(
        transport=httpx.MockTransport(there), headers={"Authorization": "Bearer secret"}
    )
    try:
        yield engine
    finally:
        await engine.aclose()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Wait no time between tries, and record how long it would have been."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(endpoint.asyncio, "sleep", sleep)
    return pauses


async def test_a_qwen3_answers_without_thinking() -> None:
    there = Endpoint(stream_of("<thi", "nk>想</think>", "\n新年", "好"))
    async with engine_at(there) as engine:
        pieces = [piece async for piece in engine.stream(HELLO, Decoding(seed=7))]
    assert pieces == ["新年", "好"]
    body = there.asked[0]
    assert body["chat_template_kwargs"] == {"enable_thinking": False}  # vLLM
    assert body["enable_thinking"] is False  # DashScope
    assert body["think"] is False  # Ollama
    assert (body["model"], body["seed"], body["stream"]) == ("qwen3-8b", 7, True)
    assert str(there.requests[0].url) == "http://there/v1/chat/completions"
    assert there.requests[0].headers["authorization"] == "Bearer secret"


async def test_several_answers_are_requests_with_seeds_of_their_own() -> None:
    def by_seed(body: dict[str, Any]) -> httpx.Response:
        return stream_of("种", str(body["seed"]))

    there = Endpoint(by_seed)
    async with engine_at(there) as engine:
        events = [event async for event in engine.stream_many(HELLO, Decoding(seed=7), 3)]
    whole = {event.index: event.completion.text for event in events if isinstance(event, Whole)}
    assert whole == {0: "种7", 1: "种8", 2: "种9"}
    assert Delta(2, "种") in events
    assert all("n" not in body for body in there.asked)


async def test_one_of_several_that_is_refused_fails_them_all() -> None:
    def picky(body: dict[str, Any]) -> httpx.Response:
        return stream_of("好") if body["seed"] != 1 else httpx.Response(401, json={"error": "no"})

    async with engine_at(Endpoint(picky)) as engine:
        with pytest.raises(EngineError, match="FENCUN_ENDPOINT_KEY"):
            async for _ in engine.stream_many(HELLO, Decoding(seed=0), 3):
                pass


async def test_another_model_is_not_told_about_thinking() -> None:
    there = Endpoint(stream_of("好"))
    async with engine_at(there, "gpt-4o") as engine:
        got = await engine.complete(HELLO, Decoding())
    assert (got.text, got.finish, got.prompt_tokens, got.completion_tokens) == ("好", "stop", 3, 1)
    assert not {"think", "enable_thinking", "chat_template_kwargs"} & there.asked[0].keys()


async def test_an_endpoint_that_knows_only_openai_fields_gets_only_those() -> None:
    def strict(body: dict[str, Any]) -> httpx.Response:
        if "top_k" in body:
            message = "Unrecognized request argument supplied: top_k"
            return httpx.Response(400, json={"error": {"message": message}})
        return stream_of("好")

    there = Endpoint(strict)
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert [("top_k" in body) for body in there.asked] == [True, False, False]
    assert "think" not in there.asked[1]


async def test_a_passing_failure_is_tried_again_after_the_pause_asked_for(
    no_pause: list[float],
) -> None:
    there = Endpoint(
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.Response(503),
        httpx.ConnectError("refused"),
        stream_of("好"),
    )
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert 7 <= no_pause[0] <= 7.7
    assert len(there.asked) == 4


async def test_a_busy_endpoint_makes_the_user_come_back_later() -> None:
    there = Endpoint(httpx.Response(429, headers={"retry-after": "9"}))
    async with engine_at(there, retries=1) as engine:
        with pytest.raises(BusyError) as error:
            await engine.complete(HELLO, Decoding())
    assert error.value.retry_after == 9
    assert len(there.asked) == 2


async def test_an_answer_that_has_begun_is_never_begun_again() -> None:
    broken = httpx.Response(200, content=b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n')
    there = Endpoint(broken)
    async with engine_at(there) as engine:
        stream = engine.stream(HELLO, Decoding())
        assert await anext(stream) == "x"
        with pytest.raises(EngineError, match="中途断了"):
            await anext(stream)
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(401, json={"error": "bad key"}), "FENCUN_ENDPOINT_KEY"),
        (httpx.Response(404, json={"error": {"message": "no such model"}}), "/v1.*no such model"),
        (httpx.Response(400, json={"error": {"message": "maximum context length"}}), "太长"),
        (httpx.Response(400, json={"message": "bad temperature"}), "bad temperature"),
        (httpx.Response(500, text="<html>"), "暂时答不了（500）"),
        (httpx.ReadError("gone"), "连接中断（ReadError）"),
    ],
)
async def test_errors_are_told_in_chinese(answer: httpx.Response | Exception, words: str) -> None:
    async with engine_at(Endpoint(answer), "gpt-4o", retries=0) as engine:
        with pytest.raises(EngineError, match=words):
            await engine.complete(HELLO, Decoding())


async def test_a_silent_endpoint_is_given_up() -> None:
    async def silence(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    engine = EndpointEngine("http://there/v1", "m", first_token_s=0.05)
    await engine._http.aclose()
    engine._http = httpx.AsyncClient(transport=httpx.MockTransport(silence))
    with pytest.raises(EngineError, match="没有动静"):
        await engine.complete(HELLO, Decoding())
    await engine.aclose()


async def test_a_closed_engine_says_so() -> None:
    engine = EndpointEngine("http://there/v1", "m")
    await engine.warm(HELLO)
    await engine.aclose()
    await engine.aclose()
    assert (engine.name, engine.has_adapter) == ("m", False)
    with pytest.raises(EngineError, match="已经关闭"):
        await engine.complete(HELLO, Decoding())
