"""Any OpenAI-compatible endpoint: what is sent, what is tried again, what is told."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from fencun.errors import BusyError, EngineError, FencunError
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
    assert body["chat_template_kwargs"]["enable_thinking"] is False  # vLLM
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


async def test_thinking_is_off_whatever_the_model_is_called() -> None:
    there = Endpoint(stream_of("好"))
    async with engine_at(there, "fencun") as engine:
        got = await engine.complete(HELLO, Decoding())
    assert (got.text, got.finish, got.prompt_tokens, got.completion_tokens) == ("好", "stop", 3, 1)
    assert there.asked[0]["think"] is False
    assert there.asked[0]["thinking"] == {"type": "disabled"}


def refuses(*names: str, status: int = 400, shape: str = "{}") -> Answer:
    """Refuse the first of ``names`` that was sent, in the words of ``shape``."""

    def strict(body: dict[str, Any]) -> httpx.Response:
        for name in names:
            if name in body:
                return httpx.Response(status, content=shape.replace("{}", name).encode())
        return stream_of("好")

    return strict


_EXTRAS = {"chat_template_kwargs", "enable_thinking", "think", "thinking", "top_k", "min_p"}


@pytest.mark.parametrize(
    ("shape", "status"),
    [
        ('{"error":{"message":"Unrecognized request argument supplied: {}"}}', 400),
        ('{"error":{"message":"Unknown parameter: \'{}\'","param":"{}"}}', 400),
        ('{"detail":[{"loc":["body","{}"],"msg":"Extra inputs are not permitted"}]}', 422),
        ('{"message":"[{\'loc\': (\'body\', \'{}\'), \'msg\': \'Extra inputs are forbidden\'}]"}',
         400),
        ('{"message":{"detail":[{"loc":["body","{}"],"msg":"Extra inputs are not permitted",'
         '"input":{"top_p":0.9,"seed":7}}]}}', 422),
        ("unsupported field {}", 422),
        ('{"message":"\\u4e0d\\u652f\\u6301\\u53c2\\u6570 {}"}', 400),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["think", "top_k", "seed", "stream_options", "enable_thinking"])
async def test_only_the_field_that_was_refused_is_left_out(
    shape: str, status: int, name: str
) -> None:
    there = Endpoint(refuses(name, status=status, shape=shape))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding(seed=7))).text == "好"
        assert (await engine.complete(HELLO, Decoding(seed=7))).text == "好"
    first, *later = there.asked
    assert len(later) == 2, "what was learnt is kept"
    assert [first.keys() - body.keys() for body in later] == [{name}, {name}]


async def test_an_endpoint_that_names_one_field_after_the_other_gets_what_it_takes() -> None:
    shape = '{"error":{"message":"Unrecognized request argument supplied: {}"}}'
    there = Endpoint(refuses(*sorted(_EXTRAS), shape=shape))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert not _EXTRAS & there.asked[-1].keys()
    assert "repetition_penalty" in there.asked[-1]


async def test_max_tokens_has_a_younger_name() -> None:
    shape = "Unsupported parameter: '{}' is not supported. Use 'max_completion_tokens' instead."
    there = Endpoint(refuses("max_tokens", shape=shape))
    async with engine_at(there) as engine:
        await engine.complete(HELLO, Decoding(max_tokens=77))
    assert there.asked[-1]["max_completion_tokens"] == 77


async def test_a_refusal_without_a_name_is_tried_once_without_extras() -> None:
    shape = '{"code":20015,"message":"The parameter is invalid. Please check again."}'
    there = Endpoint(refuses("top_k", shape=shape))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert [_EXTRAS & body.keys() != set() for body in there.asked] == [True, False, False]
    assert there.asked[1]["seed"] == 0

    never = Endpoint(httpx.Response(400, json={"message": "no such thing"}))
    async with engine_at(never) as engine:
        with pytest.raises(EngineError, match="no such thing"):
            await engine.complete(HELLO, Decoding())
        with pytest.raises(EngineError, match="no such thing"):
            await engine.complete(HELLO, Decoding())
    assert len(never.asked) == 4
    assert "top_k" in never.asked[2], "what did not help is not kept"


async def test_a_value_that_is_refused_is_told_and_not_dropped() -> None:
    there = Endpoint(httpx.Response(400, json={"message": "temperature must be above 0"}))
    async with engine_at(there) as engine:
        with pytest.raises(EngineError, match="temperature must be above 0"):
            await engine.complete(HELLO, Decoding(temperature=0))
    assert all("temperature" in body for body in there.asked)


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


@pytest.mark.parametrize(
    ("model", "first"), [("m", 90), ("Qwen3-4B-Thinking-2507", 4186), ("deepseek-r1", 4186)]
)
async def test_a_model_that_thinks_has_tokens_for_it(model: str, first: int) -> None:
    there = Endpoint(thinking)
    async with engine_at(there, model) as engine:
        for _ in range(2):
            got = await engine.complete(HELLO, Decoding(max_tokens=90))
            assert (got.text, got.thought) == ("好", True)
    asked = [body["max_tokens"] for body in there.asked]
    assert asked == ([90, 4186, 4186] if first == 90 else [4186, 4186])


async def test_unmarked_thoughts_are_held_back_once_they_are_known() -> None:
    there = Endpoint(lambda _: stream_of("先想一想", "</think>", "新年", "好"))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "新年好"
        pieces = [piece async for piece in engine.stream(HELLO, Decoding())]
    assert pieces == ["新年", "好"]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7.7),
        ("-3", 0, 0),
        ("nan", 0.5, 0.55),
        ("soon", 0.5, 0.55),
        ("+20", 15, 22),
        ("-20", 0, 0),
    ],
)
async def test_retry_after_in_seconds_or_as_a_date(
    no_pause: list[float], header: str, least: float, most: float
) -> None:
    if abs(float(header if header[1:].isdigit() else 0)) == 20:
        header = formatdate(time.time() + float(header), usegmt=True)
    busy = httpx.Response(429, headers={"retry-after": header})
    async with engine_at(Endpoint(busy, stream_of("好"))) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert least <= no_pause[0] <= most


@pytest.mark.parametrize("status", [429, 503])
async def test_nobody_waits_an_hour(no_pause: list[float], status: int) -> None:
    there = Endpoint(
        httpx.Response(status, headers={"retry-after": "3600"}, json={"message": "quota exceeded"})
    )
    async with engine_at(there) as engine:
        with pytest.raises(BusyError, match=r"quota exceeded.*3600") as error:
            await engine.complete(HELLO, Decoding())
    assert (error.value.retry_after, len(there.asked), no_pause) == (3600, 1, [])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_on_the_same_server_is_followed_with_all_that_was_sent(
    status: int,
) -> None:
    moved = httpx.Response(status, headers={"location": "/other/chat/completions"})
    there = Endpoint(moved, stream_of("好"))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert str(there.requests[1].url) == "http://there/other/chat/completions"
    assert there.requests[1].headers["authorization"] == "Bearer secret"
    assert there.asked[0] == there.asked[1]


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://else:where@evil/v1?key=1", "http://evil/v1。"),
        ("http://there:81/v1", "http://there:81/v1"),
        ("/v1/chat/completions", "来回转址"),
        ("http://there:port/", "RemoteProtocolError"),
    ],
)
async def test_a_redirect_elsewhere_is_told_and_not_followed(location: str, told: str) -> None:
    there = Endpoint(httpx.Response(302, headers={"location": location}))
    async with engine_at(there, retries=0) as engine:
        with pytest.raises(EngineError, match=told):
            await engine.complete(HELLO, Decoding())
    assert {request.url.host for request in there.requests} == {"there"}


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "utf-16", "no-such"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_bytes_are_read_as_they_are_meant(charset: str, encoding: str) -> None:
    known = charset if charset == "gbk" else "utf-8"
    event = {"choices": [{"delta": {"content": "新年好"}, "finish_reason": "stop"}]}
    body = f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n".encode(known)
    if known == "utf-8":
        body = b"\xef\xbb\xbf" + body
    headers = {"content-type": f"text/event-stream; charset={charset}"}
    if encoding == "gzip":
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    async with engine_at(Endpoint(httpx.Response(200, content=body, headers=headers))) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "新年好"


async def test_a_body_that_is_not_what_its_headers_say_is_told() -> None:
    lie = httpx.Response(200, stream=Bytes(b"no gzip"), headers={"content-encoding": "gzip"})
    async with engine_at(Endpoint(lie), retries=0) as engine:
        with pytest.raises(EngineError, match="DecodingError"):
            await engine.complete(HELLO, Decoding())


class Bytes(httpx.AsyncByteStream):
    """A body as it comes from the network."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk


async def test_an_answer_without_end_is_given_up() -> None:
    endless = httpx.Response(200, stream=Bytes(*(b"data: " + b"x" * 65536,) * 40))
    async with engine_at(Endpoint(endless), retries=0) as engine:
        with pytest.raises(EngineError, match="没完没了"):
            await engine.complete(HELLO, Decoding())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"message": "Incorrect API key: sk-verysecret"}),
        httpx.Response(400, text="sk-verysecret hunter22hunter22"),
        httpx.Response(200, json={"error": "sk-verysecret, token=hunter33"}),
        httpx.Response(429, json={"error": "sk-verysecret"}),
        httpx.ConnectError("no"),
    ],
)
async def test_no_secret_stands_in_an_error(answer: httpx.Response | Exception) -> None:
    there = Endpoint(answer)
    engine = EndpointEngine(
        "http://me:hunter22hunter22@there/v1?token=hunter33#x",
        "m", api_key="sk-verysecret", retries=0,
    )  # fmt: skip
    async with replaced(engine, there):
        with pytest.raises(FencunError) as error:
            await engine.complete(HELLO, Decoding())
    told = repr((error.value, error.value.zh, error.value.en))
    assert not any(secret in told for secret in ("hunter22", "hunter33", "sk-verysecret", "me:"))
    assert str(there.requests[0].url) == "http://there/v1/chat/completions?token=hunter33"
    assert there.requests[0].headers["authorization"] == "Bearer sk-verysecret"


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
