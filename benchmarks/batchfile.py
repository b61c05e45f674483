"""A Batch file of many requests: seconds and memory to write it, and to read its results back.

Run: python benchmarks/batchfile.py [--requests 10000 100000] [--json FILE]

``fencun`` hands out eight draws for each brief of the scenario's lines over and over, a service of
ours answers with those lines, and what came back is gated, ranked and written. The peer, each in a
process of its own over the same files, is the loop that one would first write: ``json.dumps`` a
line of the chat, ``json.loads`` a line of the results and keep the text. It checks nothing: no
draw is missed or told twice, no text looked at. Between the two, ``gates`` is what looking
at those texts takes by itself.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fencun.batch import BatchBrief, parse_job
from fencun.files import read_jsonl, write_jsonl
from fencun.gates import Gates
from fencun.handover import bring_back, hand_out
from fencun.models.fake import FakeEngine
from fencun.prompt import messages
from fencun.scenario import load_scenario
from fencun.writer import Writer

_DRAWS = 8


def _rows() -> list[dict[str, str]]:
    scenario = load_scenario()
    names = ["text", *(dimension.name for dimension in scenario.dimensions)]
    rows = (row for _, row in read_jsonl(scenario.folder / "seeds.jsonl") if isinstance(row, dict))
    return [{name: row[name] for name in names} for row in rows]


def _jobs(count: int) -> list[BatchBrief]:
    scenario, rows = load_scenario(), _rows()
    jobs = []
    for number in range(count // _DRAWS):
        row = {**rows[number % len(rows)], "id": f"b{number}"}
        del row["text"]
        jobs.append(parse_job(scenario, row, number))
    return jobs


def _writer() -> Writer:
    return Writer(FakeEngine(name="qwen3-8b"), Gates(load_scenario()))


def write(folder: Path, count: int) -> None:
    """Write the requests as ``fencun write --to-batch`` does."""
    hand_out(_writer(), _jobs(count), folder / "requests.jsonl", arm="prompt", model="m",
             draws=_DRAWS, seed=1)  # fmt: skip


def read(folder: Path, count: int) -> None:
    """Bring the results back as ``fencun write --from-batch`` does."""
    out = folder / "out.jsonl"
    brought = asyncio.run(
        bring_back(_writer(), _jobs(count), [folder / "results.jsonl"], out, keep=3)
    )
    assert (brought.written, brought.waiting) == (count // _DRAWS, [])


def gates(folder: Path, count: int) -> None:
    """Look at as many texts, and nothing else."""
    gates, rows = Gates(load_scenario()), _rows()
    for number, job in enumerate(_jobs(count)):
        for _ in range(_DRAWS):
            gates.check(rows[number % len(rows)]["text"], job.brief)


def peer_write(folder: Path, count: int) -> None:
    """Write the same chats with plain ``json``."""
    with (folder / "plain.jsonl").open("w", encoding="utf-8") as file:
        for job in _jobs(count):
            for draw in range(_DRAWS):
                body = {"model": "m", "messages": messages(job.brief, "prompt"), "seed": draw}
                line = {"custom_id": f"{job.id}.{draw}", "method": "POST",
                        "url": "/v1/chat/completions", "body": body}  # fmt: skip
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def peer_read(folder: Path, count: int) -> None:
    """Read the same results with plain ``json`` and write their texts."""
    texts = {}
    with (folder / "results.jsonl").open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            choice = row["response"]["body"]["choices"][0]
            texts[row["custom_id"]] = choice["message"]["content"]
    with (folder / "plain_out.jsonl").open("w", encoding="utf-8") as file:
        for identity, text in texts.items():
            file.write(json.dumps({"id": identity, "text": text}, ensure_ascii=False) + "\n")


def _serve(folder: Path) -> None:
    """Answer every request, as a Batch service does, the last first."""
    rows = _rows()

    def results() -> Iterator[dict[str, object]]:
        lines = (folder / "requests.jsonl").read_bytes().splitlines()
        for number, line in enumerate(reversed(lines)):
            text = rows[number * 7 % len(rows)]["text"]
            choice = {"index": 0, "message": {"role": "assistant", "content": text},
                      "finish_reason": "stop"}  # fmt: skip
            usage = {"prompt_tokens": 841, "completion_tokens": 55, "total_tokens": 896}
            body = {"object": "chat.completion", "choices": [choice], "usage": usage}
            yield {"id": f"r{number}", "custom_id": json.loads(line)["custom_id"], "error": None,
                   "response": {"status_code": 200, "request_id": "q", "body": body}}  # fmt: skip

    write_jsonl(folder / "results.jsonl", results())


def _measure(work: Callable[[Path, int], None], folder: Path, count: int) -> dict[str, object]:
    cpu, wall = time.process_time(), time.perf_counter()
    work(folder, count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"what": work.__name__, "requests": count, "cpu_s": round(cpu, 1),
            "wall_s": round(wall, 1), "peak_mib": round(peak)}  # fmt: skip


def main() -> None:
    """Measure each in a fresh process and print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = []
    for count in options.requests:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for work in (write, read, gates, peer_write, peer_read):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    if work is read:
                        pool.apply(_serve, (folder,))
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    found.append(pool.apply(_measure, (work, folder, count)))
                print(json.dumps(found[-1]), flush=True)
            size = (folder / "requests.jsonl").stat().st_size / 2**20
            print(json.dumps({"what": "file", "mib": round(size)}), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
