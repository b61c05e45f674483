"""Near-duplicates among many lines: CPU seconds, peak memory, and what was found.

Run: python benchmarks/dedup.py [--lines 10000 100000] [--text-dedup PYTHON] [--json FILE]

Over the same lines, each in a process of its own: ``fencun`` (MinHash LSH of the rensa library,
every pair verified exactly) and a peer with the same 128 permutations and 32 bands. The peer is
text-dedup's MinHash where PYTHON is an interpreter that has it, else one written in NumPy.

text-dedup asks for Spark and more, which its MinHash does not use. An environment of 0.6 GB:

    python -m venv peer
    peer/bin/pip install --no-deps text-dedup==0.4.0
    peer/bin/pip install datasets scipy xxhash click click-option-group rich ftfy regex bitarray

``--peer-lines`` keeps the peer to fewer lines where it is slow. The input is no data set: clauses
of the scenario's lines thrown together at random, so that lengths and characters are real, and
one line in fifty is a copy with three characters changed.
"""

import argparse
import json
import multiprocessing
import random
import re
import resource
import subprocess
import tempfile
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from fencun.data.likeness import NEAR, near_duplicates
from fencun.data.overlap import GRAM
from fencun.files import read_jsonl
from fencun.grams import gram_set, words_only
from fencun.scenario import load_scenario

_PERMUTATIONS, _BANDS = 128, 32
_PRIME = (1 << 61) - 1
_PEER = Path(__file__).parent / "peers" / "text_dedup_minhash.py"
Pairs = set[tuple[int, int]]


def _grams(text: str) -> frozenset[str]:
    return gram_set(words_only(text), GRAM)


def make_lines(count: int, seed: int = 1) -> tuple[list[str], Pairs]:
    """Return ``count`` texts, and the pairs of lines of which one is a copy of the other."""
    shuffle = random.Random(seed)
    clauses = list(_clauses())
    texts: list[str] = []
    planted: Pairs = set()
    while len(texts) < count:
        if len(texts) % 50 == 49:
            source = shuffle.randrange(len(texts))
            letters = list(texts[source])
            for _ in range(3):
                letters[shuffle.randrange(len(letters))] = shuffle.choice("甲乙丙丁戊己庚辛")
            planted.add((source, len(texts)))
            texts.append("".join(letters))
        else:
            texts.append("，".join(shuffle.sample(clauses, shuffle.randint(3, 9))))
    return texts, planted


def _clauses() -> Iterator[str]:
    folder = load_scenario().folder
    for file in ("seeds.jsonl", "drafts.jsonl"):
        for _, row in read_jsonl(folder / file):
            if isinstance(row, dict):
                yield from (c for c in re.split(r"[，。！？]", row["text"]) if len(c) > 3)


def ours(texts: list[str]) -> Pairs:
    """Find near-duplicates as ``fencun data check`` does."""
    return {(pair.earlier, pair.later) for pair in near_duplicates(texts)}


def peer(texts: list[str]) -> Pairs:
    """Find them by MinHash LSH as one writes it in NumPy."""
    drawn = np.random.default_rng(1)
    a = drawn.integers(1, _PRIME, _PERMUTATIONS, dtype=np.uint64)
    b = drawn.integers(0, _PRIME, _PERMUTATIONS, dtype=np.uint64)
    rows = _PERMUTATIONS // _BANDS
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    candidates: Pairs = set()
    for at, text in enumerate(texts):
        hashes = np.array([zlib.crc32(gram.encode()) for gram in _grams(text)], dtype=np.uint64)
        digest = ((hashes[:, None] * a + b) % np.uint64(_PRIME)).min(axis=0)
        for band in range(_BANDS):
            bucket = buckets[band, digest[band * rows : (band + 1) * rows].tobytes()]
            candidates.update((earlier, at) for earlier in bucket)
            bucket.append(at)
    return {(x, y) for x, y in candidates if _jaccard(texts[x], texts[y]) >= NEAR}


def _jaccard(one: str, other: str) -> float:
    first, second = _grams(one), _grams(other)
    return len(first & second) / len(first | second)


def _measure(name: str, find: Callable[[list[str]], Pairs], count: int) -> dict[str, object]:
    texts, planted = make_lines(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, wall = time.process_time(), time.perf_counter()
    found = find(texts)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    true = {pair for pair in planted if _jaccard(texts[pair[0]], texts[pair[1]]) >= NEAR}
    return {
        "what": name, "lines": count, "cpu_s": round(cpu, 2), "wall_s": round(wall, 2),
        "peak_mib": round(peak / 1024), "input_mib": round(before / 1024), "pairs": len(found),
        "planted": len(true), "planted_found": len(true & found),
    }  # fmt: skip


def _text_dedup(python: str, count: int) -> dict[str, object]:
    """Return what text-dedup's MinHash finds in the same lines; its pairs are not verified."""
    texts, planted = make_lines(count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.jsonl"
        path.write_text("".join(f"{json.dumps(text)}\n" for text in texts), encoding="utf-8")
        done = subprocess.run([python, _PEER, path], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"text-dedup does not run: {done.stderr[-500:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    found = {(first, later) for first, later in told.pop("found")}
    true = {pair for pair in planted if _jaccard(texts[pair[0]], texts[pair[1]]) >= NEAR}
    right = {pair for pair in found if _jaccard(texts[pair[0]], texts[pair[1]]) >= NEAR}
    return {
        "what": "peer: text-dedup", "lines": count, **told, "pairs": len(found),
        "true_pairs": len(right), "planted": len(true), "planted_found": len(true & found),
    }  # fmt: skip


def main() -> None:
    """Measure each way in a fresh process and print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--peer-lines", type=int, nargs="+")
    parser.add_argument("--text-dedup", metavar="PYTHON", help="an interpreter that has text-dedup")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: list[dict[str, object]] = []

    def note(result: dict[str, object]) -> None:
        results.append(result)
        print(json.dumps(result, ensure_ascii=False), flush=True)

    for count in options.lines:
        note(_alone("fencun", ours, count))
    for count in options.peer_lines or options.lines:
        if options.text_dedup:
            note(_text_dedup(options.text_dedup, count))
        else:
            note(_alone("peer: NumPy MinHash", peer, count))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _alone(name: str, find: Callable[[list[str]], Pairs], count: int) -> dict[str, object]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (name, find, count))


if __name__ == "__main__":
    main()
