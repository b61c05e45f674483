"""Our endpoint client beside the raw engine: tokens a second at 1, 8 and 64 parallel requests.

Run: python benchmarks/endpoint.py [--rate 50] [--tokens 200] [--url URL --model ID] [--json FILE]

The peer, by turns in the same run: a socket that sends the same requests to the same engine and
counts the bytes, nothing else; what it gets is what the engine has to give. The engine is a process
of its own that streams as vLLM does, each answer at ``--rate`` tokens a second (64 of 50 are what
an 8B model gives on a large GPU), or the one at ``--url``. ``cpu_us`` is what a token costs the
client, in microseconds of its processor.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from fencun.models import wire
from fencun.models.endpoint import EndpointEngine
from fencun.models.engine import Decoding, Message, Whole

_WORDS = "王老师，晚自习后您留下来讲的那几道题，我现在还记得。天冷了，您早些歇。"
_CHAT: list[Message] = [{"role": "user", "content": "称呼：王老师。写四百字，不要停。"}]

Ask = Callable[[int, int], Awaitable[int]]  # a seed and how many tokens to how many came


def serve(rate: float, told: Connection) -> None:
    """Stream answers, ``rate`` tokens a second each, and tell the port; until it is ended."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                most = json.loads(await reader.readexactly(length))["max_tokens"]
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n"
                )
                began = time.monotonic()
                for at in range(most):
                    await asyncio.sleep(max(0.0, began + (at + 1) / rate - time.monotonic()))
                    writer.write(_chunk({"content": _WORDS[at % len(_WORDS)]}, None))
                writer.write(_chunk({}, "length"))
                usage = {"prompt_tokens": 20, "completion_tokens": most, "total_tokens": 20 + most}
                writer.write(_event({"choices": [], "usage": usage}) + _part(b"data: [DONE]\n\n"))
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def listen() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(listen())


def _chunk(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event({"choices": [choice]})


def _event(told: dict[str, object]) -> bytes:
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return _part(f"data: {json.dumps({**event, **told}, ensure_ascii=False)}\n\n".encode())


def _part(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def ours(engine: EndpointEngine) -> Ask:
    async def ask(seed: int, tokens: int) -> int:
        async for event in engine.stream_many(_CHAT, Decoding(seed=seed, max_tokens=tokens), 1):
            if isinstance(event, Whole):
                return event.completion.completion_tokens
        raise AssertionError("no whole answer came")

    return ask


def raw(url: str, model: str) -> Ask:
    """Ask by a socket of its own each time, and take the answer for as long as was asked for."""
    where = urlsplit(url)

    async def ask(seed: int, tokens: int) -> int:
        decoding = Decoding(seed=seed, max_tokens=tokens)
        body = json.dumps(wire.chat_body(_CHAT, decoding) | {"model": model}).encode()
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(
            f"POST {where.path}/chat/completions HTTP/1.1\r\nHost: {where.netloc}\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        end = b""
        while not end.endswith(b"\r\n0\r\n\r\n"):
            part = await reader.read(1 << 16)
            assert part, "it broke off"
            end = end[-2000:] + part
        writer.close()
        return int(end.rpartition(b'"completion_tokens":')[2].lstrip().split(b",")[0].rstrip(b"}"))

    return ask


async def measure(ask: Ask, parallel: int, requests: int, tokens: int) -> dict[str, float]:
    """Ask ``requests`` times, ``parallel`` at once, and return what came in a second."""
    seeds, count = iter(range(requests)), 0

    async def work() -> None:
        nonlocal count
        for seed in seeds:
            came = await ask(seed, tokens)
            count += came

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(parallel)))
    spent, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"tok_s": count / spent, "cpu_us": 1e6 * cpu / count}


async def run(url: str, model: str, tokens: int, rounds: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for parallel in (1, 8, 64):
        engine = EndpointEngine(url, model, parallel=parallel)
        arms = {"fencun": ours(engine), "raw": raw(url, model)}
        for ask in arms.values():
            await measure(ask, parallel, parallel, 8)
        seen: dict[str, list[dict[str, float]]] = {name: [] for name in arms}
        for number in range(rounds):
            for name in list(arms)[:: 1 if number % 2 == 0 else -1]:
                seen[name].append(await measure(arms[name], parallel, 2 * parallel, tokens))
        await engine.aclose()
        middle = {
            name: {key: statistics.median(each[key] for each in all_) for key in all_[0]}
            for name, all_ in seen.items()
        }
        ratio = middle["fencun"]["tok_s"] / middle["raw"]["tok_s"]
        found.append({"parallel": parallel, **middle, "ratio": round(ratio, 3)})
        print(json.dumps(found[-1]), flush=True)
    return found


def main() -> None:
    """Measure by turns and print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=50.0, help="tokens a second of an answer")
    parser.add_argument("--tokens", type=int, default=200, help="tokens of an answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url", help="a real engine instead, such as http://127.0.0.1:8000/v1")
    parser.add_argument("--model", default="m")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(json.dumps({"load_average": os.getloadavg()[0]}))
    here, there = multiprocessing.Pipe()
    engine = multiprocessing.Process(target=serve, args=(options.rate, there), daemon=True)
    url = options.url
    if not url:
        engine.start()
        url = f"http://127.0.0.1:{here.recv()}/v1"
    found = asyncio.run(run(url, options.model, options.tokens, options.rounds))
    if not options.url:
        engine.terminate()
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
