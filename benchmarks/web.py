"""The web app beside the raw engine: first token, three short greetings, sixteen people at once.

Run: python benchmarks/web.py [--model NAME] [--people 16] [--rounds 1] [--json FILE]

The peer, in the same run and in alternating rounds: the very engine that the app uses, asked
directly for the same prompts, with no HTTP, line, gates or store around it. First the app is
started and warmed as ``fencun serve`` does it. Medians over the rounds; a ratio of 1.00 is as
good as raw. Sixteen people press the button at once for one text each (without the long
prompt, to keep it short): all must be served, the oldest first; then more come than the line
holds, and some must be told to come back.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import typer
import uvicorn
from fastapi import FastAPI

from fencun import files
from fencun.brief import parse_brief
from fencun.models.cores import physical_cores
from fencun.open_writer import open_writer
from fencun.prompt import Arm, messages
from fencun.scenario import load_scenario
from fencun.store.database import Store
from fencun.web.app import create_app
from fencun.web.studio import Studio

ASKED = {"salutation": "王老师", "relation": "高中班主任", "occasion": "除夕", "length": "短"}
DETAILS = (
    "高三晚自习后给我讲题",
    "替我垫过学费",
    "常说别急再想一步",
    "送过我一支钢笔",
    "陪我等过公交",
)
DRAWS, KEEP = 6, 3
PARALLEL = 2  # how many people the app serves at a time


def asked(number: int) -> dict[str, str]:
    """Return a brief whose end the engine has not read before."""
    return {**ASKED, "detail": f"{DETAILS[number % len(DETAILS)]}，那是第{number + 1}年"}


async def through_web(
    client: httpx.AsyncClient, number: int, draws: int, arm: Arm
) -> tuple[float, float]:
    """Write over HTTP; return seconds to the first piece and to the end."""
    keep = min(KEEP, draws)
    body = {"brief": asked(number), "keep": keep, "draws": draws, "seed": number, "arm": arm}
    began, first = time.perf_counter(), 0.0
    headers = {"Accept": "text/event-stream"}
    async with client.stream("POST", "/api/write", json=body, headers=headers) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line == "event: piece":
                first = first or time.perf_counter() - began
            assert line != "event: error", "the engine failed"
    return first, time.perf_counter() - began


async def through_engine(studio: Studio, number: int, draws: int, arm: Arm) -> tuple[float, float]:
    """Draw the same from the engine itself."""
    brief = parse_brief(studio.scenario, asked(number))
    decoding = replace(studio.writer.decoding(brief, arm), seed=number)
    began, first = time.perf_counter(), 0.0
    stream = studio.writer.engine.stream_many(messages(brief, arm), decoding, draws)
    async with aclosing(stream) as events:
        async for _ in events:
            first = first or time.perf_counter() - began
    return first, time.perf_counter() - began


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Serve ``app`` on a free port in this process; yield a client."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    async with app.router.lifespan_context(app):
        task = asyncio.create_task(server.serve(sockets=[listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=url, timeout=600, trust_env=False, limits=limits
        ) as client:
            yield client
        server.should_exit = True
        await task


async def alone(client: httpx.AsyncClient, studio: Studio, rounds: int) -> dict[str, Any]:
    """One person: three texts drawn, and six drawn for three, with nobody else there."""
    seen: dict[str, list[float]] = {}
    number = 0
    for turn in range(rounds):
        for draws in (KEEP, DRAWS):
            for name in ("web", "raw") if turn % 2 == 0 else ("raw", "web"):
                number += 1
                if name == "web":
                    first, total = await through_web(client, number, draws, studio.default_arm)
                else:
                    first, total = await through_engine(studio, number, draws, studio.default_arm)
                seen.setdefault(f"{name}_first_token_s", []).append(first)
                seen.setdefault(f"{name}_{draws}_draws_s", []).append(total)
    return {name: statistics.median(values) for name, values in seen.items()}


async def together(client: httpx.AsyncClient, studio: Studio, people: int) -> dict[str, Any]:
    """Many press at once; then the same texts from the engine itself, all at once."""
    finished: list[int] = []

    async def press(number: int) -> float:
        await asyncio.sleep(0.02 * number)  # so that there is an order to keep
        first, _ = await through_web(client, number, 1, "bare")
        finished.append(number)
        return first

    began = time.perf_counter()
    firsts = await asyncio.gather(*(press(number) for number in range(people)))
    web = time.perf_counter() - began
    began = time.perf_counter()
    await asyncio.gather(*(through_engine(studio, n, 1, "bare") for n in range(people)))
    raw = time.perf_counter() - began
    return {
        "people": people,
        "served": len(finished),
        "furthest_out_of_turn": max(abs(p - n) for p, n in enumerate(finished)),
        "web_all_s": web,
        "raw_all_s": raw,
        "first_token_of_the_first_s": firsts[0],
        "first_token_of_the_last_s": max(firsts),
    }


async def crowd(client: httpx.AsyncClient, room: int) -> dict[str, Any]:
    """More than the line holds press at once; those who are served draw one text each."""
    body = {"brief": asked(99), "keep": 1, "draws": 1, "seed": 1, "arm": "bare"}
    presses = [client.post("/api/write", json=body) for _ in range(room + 8)]
    answers = await asyncio.gather(*presses)
    turned_away = [answer for answer in answers if answer.status_code == 429]
    return {
        "pressed": len(answers),
        "served": sum(answer.status_code == 200 for answer in answers),
        "turned_away": len(turned_away),
        "retry_after_s": sorted({int(answer.headers["Retry-After"]) for answer in turned_away}),
    }


async def run(model: str | None, people: int, rounds: int, folder: Path) -> dict[str, Any]:
    scenario = load_scenario()
    waiting = max(0, people - PARALLEL)
    app = create_app(
        scenario,
        lambda: open_writer(scenario, model=model),
        store=lambda: Store(f"sqlite:///{folder / 'fencun.db'}"),
        waiting=waiting,
    )
    async with serving(app) as client:
        studio: Studio = app.state.studio
        began = time.perf_counter()
        await studio.warmed.wait()
        ready = time.perf_counter() - began
        result = {
            "model": studio.writer.engine.name,
            "arm": studio.default_arm,
            "cores": physical_cores(),
            "load_average": os.getloadavg()[0],
            "rounds": rounds,
            "ready_s": ready,
            "alone": await alone(client, studio, rounds),
            "together": await together(client, studio, people),
        }
        result["crowd"] = await crowd(client, waiting + PARALLEL)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a model of the catalog; the one in use by default")
    parser.add_argument("--people", type=int, default=16, help="how many press at once")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of one person alone")
    parser.add_argument("--json", type=Path, help="also write everything measured to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(run(options.model, options.people, options.rounds, Path(folder)))
    one, many = result["alone"], result["together"]
    typer.echo(f"{result['model']}, {result['arm']}, {result['cores']} cores")
    typer.echo(f"long prompt read ahead in {result['ready_s']:.1f} s")
    typer.echo(f"{'':28}{'web':>10}{'raw':>10}{'ratio':>10}")
    for key in ("first_token_s", f"{KEEP}_draws_s", f"{DRAWS}_draws_s"):
        web, raw = one[f"web_{key}"], one[f"raw_{key}"]
        typer.echo(f"{key:28}{web:10.2f}{raw:10.2f}{web / raw:10.2f}")
    web, raw = many["web_all_s"], many["raw_all_s"]
    typer.echo(
        f"{many['people']} at once, s".ljust(28) + f"{web:10.2f}{raw:10.2f}{web / raw:10.2f}"
    )
    typer.echo(json.dumps({"together": many, "crowd": result["crowd"]}, indent=2))
    if options.json:
        files.write_json(options.json, result)


if __name__ == "__main__":
    main()
