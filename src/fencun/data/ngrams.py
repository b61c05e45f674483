"""N-grams of characters, punctuation aside, as 64-bit codes: for files where very many are counted.

A code is a linear hash of the characters, so that tens of millions of n-grams fit in memory;
that two different n-grams share one is too rare to matter.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fencun.data.overlap import GRAM
from fencun.grams import words_only

Codes = NDArray[np.uint64]

_POWERS = np.array([0x9E3779B97F4A7C15], dtype=np.uint64) ** np.arange(1, GRAM + 1).astype(
    np.uint64
)
_CHUNK = 4096  # texts looked at together
_PART = 8_000_000  # codes sorted together


def codes_of(texts: Sequence[str]) -> tuple[Codes, NDArray[np.int64]]:
    """Return the distinct 5-grams of every text, one text after the other, and where each begins.

    A text shorter than a 5-gram is one, as in :func:`fencun.grams.gram_set`, so that none is
    empty.
    """
    flat = np.empty(sum(max(1, len(text)) for text in texts), dtype=np.uint64)
    starts = np.zeros(len(texts), dtype=np.int64)
    used = 0
    for at, text in enumerate(texts):
        own = np.unique(mix(_windows(words_only(text).ljust(GRAM, "\0"), GRAM)))
        starts[at] = used
        flat[used : used + len(own)] = own
        used += len(own)
    return flat[:used], starts


def count_distinct(texts: Sequence[str], n: int) -> int:
    """Return how many different n-grams (``n`` up to 5) stand in ``texts``."""
    chunks = []
    for start in range(0, len(texts), _CHUNK):
        joined = "\0".join(map(words_only, texts[start : start + _CHUNK]))
        if len(joined) >= n:
            windows = _windows(joined, n)
            chunks.append(np.unique(mix(windows[windows.all(axis=1)])))
    return sum(len(np.unique(part)) for part in in_parts(chunks))


def in_parts(chunks: Sequence[Codes]) -> Iterator[Codes]:
    """Yield the codes in ``chunks`` by ascending ranges, few enough at a time to sort them."""
    count = 1 + sum(map(len, chunks)) // _PART
    step = (1 << 64) // count + 1
    for part in range(count):
        low, high = part * step, min((part + 1) * step, 1 << 64) - 1
        inside = [c[(c >= np.uint64(low)) & (c <= np.uint64(high))] for c in chunks]
        yield np.concatenate(inside) if inside else np.empty(0, dtype=np.uint64)


def mix(rows: NDArray[np.uint64]) -> Codes:
    """Return one code for each row (last axis, up to five numbers)."""
    codes: Codes = (rows * _POWERS[: rows.shape[-1]]).sum(axis=-1, dtype=np.uint64)
    return codes


def _windows(plain: str, n: int) -> NDArray[np.uint64]:
    """Return every window of ``n`` characters of ``plain``, which is no shorter, one a row."""
    characters = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return np.lib.stride_tricks.sliding_window_view(characters, n).astype(np.uint64)
