"""Any OpenAI-compatible endpoint: what is sent, what is tried again, what is told."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from endpoint_case import HELLO, Endpoint, engine_at, replaced, stream_of, thinking

from fencun.errors import BusyError, EngineError, FencunError
from fencun.models import endpoint
from fencun.models.endpoint import EndpointEngine
from fencun.models.engine import Decoding, Delta, Whole


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


async def test_any_failure_of_the_server_itself_is_tried_again(no_pause: list[float]) -> None:
    failures = [httpx.Response(status, text="overloaded") for status in (520, 529, 599)]
    there = Endpoint(*failures, stream_of("好"))
    async with engine_at(there) as engine:
        assert (await engine.complete(HELLO, Decoding())).text == "好"
    assert len(no_pause) == len(failures)


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


async def test_a_refusal_is_read_as_it_is_meant() -> None:
    body = json.dumps({"error": {"message": "密钥无效"}}, ensure_ascii=False).encode("gbk")
    headers = {"content-type": "application/json; charset=gbk"}
    there = Endpoint(httpx.Response(401, content=body, headers=headers))
    async with engine_at(there, retries=0) as engine:
        with pytest.raises(EngineError, match="密钥无效"):
            await engine.complete(HELLO, Decoding())


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


async def test_connections_are_kept_for_as_many_as_ask_at_once() -> None:
    said = stream_of("好", "的").content
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(said)}\r\n\r\n".encode()
    opened, together, closed = 0, asyncio.Barrier(30), asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with suppress(asyncio.IncompleteReadError):
            while asked := await reader.readuntil(b"\r\n\r\n"):
                length = int(asked.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                await together.wait()
                writer.write(head + said)
        writer.close()
        await writer.wait_closed()
        closed.release()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    engine = EndpointEngine(url, "m", parallel=30)
    for _ in range(2):
        texts = await asyncio.gather(*(engine.complete(HELLO, Decoding()) for _ in range(30)))
        assert {told.text for told in texts} == {"好的"}
    assert opened == 30
    await engine.aclose()
    for _ in range(30):
        await closed.acquire()
    server.close()
    await server.wait_closed()


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
