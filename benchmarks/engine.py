"""The embedded engine beside raw llama.cpp: first token, tokens a second, resident memory.

Run: python benchmarks/engine.py [--model NAME] [--tokens 48] [--rounds 3] [--json FILE]

The peer, in the same run and in alternating rounds: the same llama.cpp (xllamacpp) with
the same settings inside this very process, asked directly, without HTTP, queue or a
process of its own. Medians over the rounds; a ratio of 1.00 is as good as raw. Besides,
four answers to one prompt: by one request that reads it once, and by four requests.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from fencun import files
from fencun.models import wire
from fencun.models.cores import physical_cores
from fencun.models.embedded import EmbeddedEngine
from fencun.models.engine import Decoding, Message, Whole
from fencun.models.installed import locate
from fencun.models.server import start

PARALLEL = 4
CONTEXT = 3072
SYSTEM = (
    "你替人写春节祝福。先想清楚写给谁、两人之间有过什么事，再下笔。称呼照原样写；对长辈和老师用“您”，"
    "对平辈和晚辈用“你”。写一件只有你们两人知道的事，不写套话，不堆四字词，不用表情。只写正文，不解释。"
) * 3
BRIEF = "称呼：王老师。关系：高中班主任。细节：第{number}次晚自习后给我讲题。写四百字，不要停。"

Ask = Callable[[list[Message], Decoding, int], Awaitable["Sample"]]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Sample:
    """One request: seconds to its first token and to its end, and the tokens of its answers."""

    first_s: float
    total_s: float
    tokens: int


def fresh_prompt() -> list[Message]:
    """Return a prompt whose beginning is warm and whose end nobody has seen."""
    brief = BRIEF.format(number=next(_numbers))
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": brief}]


def ours(engine: EmbeddedEngine) -> Ask:
    async def ask(messages: list[Message], decoding: Decoding, n: int = 1) -> Sample:
        began, first, tokens = time.perf_counter(), 0.0, 0
        async for event in engine.stream_many(messages, decoding, n):
            first = first or time.perf_counter() - began
            if isinstance(event, Whole):
                tokens += event.completion.completion_tokens
        return Sample(first, time.perf_counter() - began, tokens)

    return ask


def raw(server: Any, threads: ThreadPoolExecutor) -> Ask:
    def blocking(messages: list[Message], decoding: Decoding, n: int) -> Sample:
        began, first, tokens = time.perf_counter(), 0.0, 0

        def receive(value: Any) -> None:
            nonlocal first, tokens
            event = json.loads(value) if isinstance(value, (str, bytes)) else value
            if event.get("usage"):
                tokens += event["usage"]["completion_tokens"]
            choice = next(iter(event.get("choices") or ()), {})
            if (choice.get("delta") or {}).get("content"):
                first = first or time.perf_counter() - began

        body = wire.chat_body(messages, decoding) | {
            "top_k": decoding.top_k,
            "min_p": decoding.min_p,
            "repeat_penalty": decoding.repeat_penalty,
            "cache_prompt": True,
            "n": n,
        }
        server.handle_chat_completions(json.dumps(body), receive)
        return Sample(first, time.perf_counter() - began, tokens)

    async def ask(messages: list[Message], decoding: Decoding, n: int = 1) -> Sample:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, blocking, messages, decoding, n)

    return ask


async def measure(ask: Ask, tokens: int) -> dict[str, float]:
    """Return one round: seconds to the first token, tokens a second at 1 and at 4 parallel.

    Then seconds for four answers to one prompt, by one request and by four.
    """
    decoding = Decoding(max_tokens=tokens, seed=1)
    alone = await ask(fresh_prompt(), decoding, 1)
    began = time.perf_counter()
    together = await asyncio.gather(*(ask(fresh_prompt(), decoding, 1) for _ in range(PARALLEL)))
    spent = time.perf_counter() - began
    shared = await ask(fresh_prompt(), decoding, PARALLEL)
    prompt, began = fresh_prompt(), time.perf_counter()
    await asyncio.gather(*(ask(prompt, decoding, 1) for _ in range(PARALLEL)))
    apart_s = time.perf_counter() - began
    return {
        "first_token_s": alone.first_s,
        "alone_tok_s": (alone.tokens - 1) / (alone.total_s - alone.first_s),
        "parallel_tok_s": sum(sample.tokens for sample in together) / spent,
        "four_by_one_request_s": shared.total_s,
        "four_by_four_requests_s": apart_s,
    }


async def run(model: str | None, tokens: int, rounds: int) -> dict[str, Any]:
    found = locate(model)
    before = resident(os.getpid())
    server = start(
        {
            "model": str(found.path),
            "adapters": [],
            "parallel": PARALLEL,
            "context": CONTEXT,
            "threads": physical_cores(),
            "api_key": "benchmark",
        }
    )
    engine = EmbeddedEngine(found.path, parallel=PARALLEL, context=CONTEXT)
    with ThreadPoolExecutor(PARALLEL) as threads:
        arms = {"fencun": ours(engine), "raw": raw(server, threads)}
        began = time.perf_counter()
        await engine.start()
        loaded = time.perf_counter() - began
        warm = Decoding(max_tokens=1)
        for ask in arms.values():
            await asyncio.gather(*(ask(fresh_prompt(), warm, 1) for _ in range(PARALLEL)))
        seen: dict[str, list[dict[str, float]]] = {name: [] for name in arms}
        for number in range(rounds):
            order = list(arms) if number % 2 == 0 else list(arms)[::-1]
            for name in order:
                typer.echo(f"round {number + 1} of {rounds}: {name}…", err=True)
                seen[name].append(await measure(arms[name], tokens))
        memory = {"fencun": resident(engine.pid or 0), "raw": resident(os.getpid()) - before}
    await engine.aclose()
    result: dict[str, Any] = {
        name: {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}
        | {"resident_gib": memory[name] / 2**30}
        for name, samples in seen.items()
    }
    return {
        "model": found.name,
        "cores": physical_cores(),
        "load_average": os.getloadavg()[0],
        "tokens": tokens,
        "rounds": rounds,
        "load_s": loaded,
        **result,
        "ratio": {key: result["fencun"][key] / result["raw"][key] for key in result["raw"]},
        "every_round": seen,
    }


def resident(pid: int) -> int:
    """Return the resident bytes of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a model of the catalog; the one in use by default")
    parser.add_argument("--tokens", type=int, default=48, help="tokens an answer")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each arm")
    parser.add_argument("--json", type=Path, help="also write everything measured to this file")
    options = parser.parse_args()
    result = asyncio.run(run(options.model, options.tokens, options.rounds))
    typer.echo(f"{result['model']}, {result['cores']} cores, loaded in {result['load_s']:.1f} s")
    typer.echo(f"{'':26}{'fencun':>10}{'raw':>10}{'ratio':>10}")
    for key in result["ratio"]:
        values = (result["fencun"][key], result["raw"][key], result["ratio"][key])
        typer.echo(f"{key:26}" + "".join(f"{value:10.2f}" for value in values))
    if options.json:
        files.write_json(options.json, result)


if __name__ == "__main__":
    main()
