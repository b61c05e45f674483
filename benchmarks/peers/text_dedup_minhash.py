"""text-dedup's MinHash over a file of texts; runs in an environment of its own, without Fencun.

Run: PYTHON benchmarks/peers/text_dedup_minhash.py FILE, where FILE holds a JSON string a line.
Prints one JSON object: CPU and wall seconds, peak memory, and the pairs of each bucket.

text-dedup's own ``embed_func`` makes the signatures and its own buckets and union-find join
the lines, as in its ``main``; only Hugging Face's ``datasets`` is left out, which would write
everything to disk besides. It splits texts at white space, hence the space between characters.
"""

import json
import re
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from text_dedup.minhash import RNG, SIGNATURE_COLUMN, embed_func, uf, xxh3_32hash

_PERMUTATIONS, _BANDS, _ROWS, _GRAM = 128, 32, 4, 5
_PRIME = np.uint32((1 << 32) - 5)
_NOT_WORD = re.compile(r"[\W_]+")


def find(texts: list[str]) -> set[tuple[int, int]]:
    """Return which line is in a bucket with which earliest one."""
    drawn = (
        RNG.randint(1, _PRIME, size=_PERMUTATIONS, dtype=np.uint32),
        RNG.randint(0, _PRIME, size=_PERMUTATIONS, dtype=np.uint32),
    )
    tables: list[dict[bytes, set[int]]] = [defaultdict(set) for _ in range(_BANDS)]
    for at, text in enumerate(texts):
        told = embed_func(
            " ".join(_NOT_WORD.sub("", text)), at, num_perm=_PERMUTATIONS, ngram_size=_GRAM,
            min_length=1, hashranges=[(_ROWS * b, _ROWS * (b + 1)) for b in range(_BANDS)],
            permutations=drawn, hash_func=xxh3_32hash, dtype=np.uint32,
            max_hash=np.uint32((1 << 32) - 1), modulo_prime=_PRIME,
        )  # fmt: skip
        for table, signature in zip(tables, told[SIGNATURE_COLUMN], strict=True):
            table[signature].add(at)
    pairs = set()
    for table in tables:
        for cluster in table.values():
            first = min(cluster)
            for at in cluster - {first}:
                uf.union(at, first)
                pairs.add((first, at))
    return pairs


def main() -> None:
    """Measure and print one JSON object."""
    with Path(sys.argv[1]).open(encoding="utf-8") as file:
        texts = [json.loads(line) for line in file]
    cpu, wall = time.process_time(), time.perf_counter()
    pairs = find(texts)
    told = {
        "cpu_s": round(time.process_time() - cpu, 2),
        "wall_s": round(time.perf_counter() - wall, 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "found": sorted(pairs),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
