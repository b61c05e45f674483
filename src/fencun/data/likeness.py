"""Which lines are too much alike: near-duplicates, shared 5-grams, the same said in other words.

Near-duplicates come from MinHash LSH (the rensa library; Broder 1997, Dahlgaard et al. 2017),
shared 5-grams are counted exactly as a product of sparse matrices (SciPy), meaning is the
cosine of two embeddings. All three name the pair, so that a report can say because of what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash  # type: ignore[import-untyped]
from scipy.sparse import csr_array

from fencun.data.ngrams import codes_of, in_parts, mix
from fencun.data.overlap import GRAM, OVERLAP
from fencun.grams import gram_set, jaccard, words_only

NEAR = 0.50  # Jaccard index of the two sets of 5-grams
SAME_MEANING = 0.965  # cosine of two E5 embeddings; see docs/data.md for how it was chosen

_PERMUTATIONS = 128
_BANDS = 32
_ROWS = _PERMUTATIONS // _BANDS
_SEED = 20230122  # of the hash functions: results must repeat
_CHUNK = 4096
_CROWD = 500  # lines of one LSH bucket that others are compared with
_BLOCK = 512
_COMMON = 2000  # a 5-gram in more lines than this tells no pair apart
_COMPARISONS = 2_000_000_000  # in all; the commonest 5-grams go first where there would be more
_AT_ONCE = 2_000_000  # comparisons held in memory


@dataclass(frozen=True, slots=True)
class Alike:
    """Line ``later`` resembles line ``earlier`` (positions); ``degree`` is from 0 to 1."""

    earlier: int
    later: int
    degree: float


def near_duplicates(
    texts: Sequence[str], threshold: float = NEAR, *, once: bool = False
) -> list[Alike]:
    """Return the pairs whose 5-gram sets have a Jaccard index of ``threshold`` or more.

    Candidates come from MinHash LSH (128 permutations, 32 bands: it finds 98 of 100 pairs
    at 0.5 and practically all at 0.7); each is verified exactly, so none is reported wrongly.
    Of more than 500 lines in one bucket the first 500 are compared with.

    With ``once`` the later line of a pair falls: it is named with the first line that stands,
    and nothing is compared with it. This is :func:`fallen` without all pairs of a crowd.
    """
    buckets = _buckets(texts)
    held: dict[int, list[int]] = {}
    found: list[Alike] = []
    for later in np.flatnonzero(buckets.any(axis=1)).tolist():
        shared = [bucket for bucket in buckets[later].tolist() if bucket]
        alike = _verified(texts, later, shared, held, threshold)
        found += alike[:1] if once else alike
        for bucket in () if once and alike else shared:
            crowd = held.setdefault(bucket, [])
            if len(crowd) < _CROWD:
                crowd.append(later)
    return found


def _verified(
    texts: Sequence[str],
    later: int,
    shared: Sequence[int],
    held: dict[int, list[int]],
    threshold: float,
) -> list[Alike]:
    """Return the pairs of ``later`` with what its buckets hold, in order."""
    own = _gram_set(texts[later])
    found = []
    for earlier in sorted({at for bucket in shared for at in held.get(bucket, ())}):
        other = _gram_set(texts[earlier])
        degree = jaccard(own, other)
        if degree >= threshold:
            found.append(Alike(earlier, later, degree))
    return found


@lru_cache(maxsize=4096)
def _gram_set(text: str) -> frozenset[str]:
    return gram_set(words_only(text), GRAM)


def band_keys(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return the key of the LSH bucket of each line in every band, shape ``(lines, bands)``."""
    keys = np.zeros((len(texts), _BANDS), dtype=np.uint32)
    for start in range(0, len(texts), _CHUNK):
        chunk = [list(_gram_set(text)) for text in texts[start : start + _CHUNK]]
        matrix = RMinHash.digest_matrix_from_token_sets(chunk, num_perm=_PERMUTATIONS, seed=_SEED)
        rows = np.array(matrix.to_rows(), dtype=np.uint64)
        keys[start : start + _CHUNK] = mix(rows.reshape(-1, _BANDS, _ROWS)) >> np.uint64(32)
    return keys


def _buckets(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return in which LSH bucket each line is with others, shape ``(lines, bands)``; 0 is alone."""
    keys = band_keys(texts)
    named = 1
    for band in range(_BANDS if len(texts) else 0):
        order = np.argsort(keys[:, band], kind="stable")
        differs = np.diff(keys[order, band]) != 0
        alone = np.append(differs, True) & np.insert(differs, 0, True)
        runs = named + np.cumsum(np.insert(differs, 0, False))
        keys[order, band] = np.where(alone, 0, runs)
        named = int(runs[-1]) + 1
    return keys


def overlaps(
    texts: Sequence[str], threshold: float = OVERLAP, *, once: bool = False
) -> list[Alike]:
    """Return the pairs that share ``threshold`` or more of the shorter line's 5-grams.

    Exact, but for 5-grams that stand in more than 2,000 lines, which are not counted; in files
    so large that two thousand million comparisons are not enough, fewer than 2,000.
    ``once`` as in :func:`near_duplicates`.
    """
    found: list[Alike] = []
    fell = np.zeros(len(texts), dtype=bool)
    for rows, columns, common, sizes in _common(texts):
        shares = common / np.minimum(sizes[rows], sizes[columns])
        near = np.flatnonzero((columns < rows) & (shares >= threshold) & ~fell[columns])
        for at in near[np.lexsort((columns[near], rows[near]))].tolist():
            later, earlier = int(rows[at]), int(columns[at])
            if not (fell[later] or fell[earlier]):
                found.append(Alike(earlier, later, float(shares[at])))
                fell[later] = once
    return found


def nearest(texts: Sequence[str]) -> list[float]:
    """Return for every text the largest share of its 5-grams that one other text has too.

    5-grams are counted as in :func:`overlaps`.
    """
    most = np.zeros(len(texts))
    for rows, columns, common, sizes in _common(texts):
        others = rows != columns
        np.maximum.at(most, rows[others], common[others] / sizes[rows[others]])
    return most.tolist()


_Ints = NDArray[np.int64]


def _common(texts: Sequence[str]) -> Iterator[tuple[_Ints, _Ints, _Ints, _Ints]]:
    """Yield how many 5-grams two lines have in common, block by block in the order of rows.

    A block is ``(rows, columns, counts, sizes)``; ``sizes`` are those of all lines.
    """
    if len(texts) < 2:
        return
    telling, sizes = _incidence(texts)
    turned = telling.T.tocsr()
    comparisons = np.cumsum(telling @ np.diff(turned.indptr).astype(np.int64))
    start = 0
    while start < len(texts):
        done = comparisons[start - 1] if start else 0
        stop = int(np.searchsorted(comparisons, done + _AT_ONCE, side="right"))
        stop = min(max(stop, start + 1), start + _BLOCK, len(texts))
        block = (telling[start:stop] @ turned).tocoo()
        rows, columns = (axis.astype(np.int64) for axis in block.coords)
        yield rows + start, columns, block.data.astype(np.int64), sizes
        start = stop


def _incidence(texts: Sequence[str]) -> tuple[csr_array[np.int32], _Ints]:
    """Return which telling 5-gram stands in which line, shape ``(lines, 5-grams)``, ones and zeros.

    Besides, how many 5-grams each line has. Telling are those in two lines or more, but not
    in too many.
    """
    codes, starts = codes_of(texts)
    sizes = np.diff(np.append(starts, len(codes)))
    known = _telling(codes)
    columns, kept = [], np.zeros(len(codes), dtype=bool)
    for start in range(0, len(codes), _AT_ONCE):
        part = codes[start : start + _AT_ONCE]
        at = np.searchsorted(known, part)
        at[at == len(known)] = 0
        kept[start : start + _AT_ONCE] = hit = known[at] == part if len(known) else at > 0
        columns.append(at[hit].astype(np.int32))
    indices = np.concatenate(columns)
    ends = np.append(0, np.cumsum(np.add.reduceat(kept, starts, dtype=np.int64)))
    ones = np.ones(len(indices), dtype=np.int32)
    return csr_array((ones, indices, ends), shape=(len(texts), max(1, len(known)))), sizes


def _telling(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the codes, ascending, that tell lines apart: see :func:`overlaps`."""
    found, often = [], []
    for part in in_parts([codes]):
        known, counts = np.unique(part, return_counts=True)
        some = (counts > 1) & (counts <= _COMMON)
        found.append(known[some])
        often.append(counts[some])
    counts = np.concatenate(often)
    work = np.cumsum(
        np.bincount(counts, minlength=2) * np.arange(max(2, counts.max(initial=0) + 1)) ** 2
    )
    most = int(np.searchsorted(work, _COMPARISONS, side="right")) - 1
    return np.concatenate(found)[counts <= most]


def same_meaning(vectors: NDArray[np.float32], threshold: float = SAME_MEANING) -> list[Alike]:
    """Return the pairs of rows of ``vectors`` whose cosine is ``threshold`` or more.

    ``vectors`` has the shape ``(lines, dimensions)``, each row of length one.
    """
    found = []
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK] @ vectors[: start + _BLOCK].T
        for row, earlier in zip(*np.nonzero(block >= threshold), strict=True):
            later = start + int(row)
            if earlier < later:
                found.append(Alike(int(earlier), later, float(block[row, earlier])))
    return sorted(found, key=_in_order)


def fallen(pairs: Sequence[Alike]) -> dict[int, Alike]:
    """Return the lines to let go, each with its pair: the later, unless the earlier fell itself.

    ``pairs`` come in the order of their later lines, as the functions here return them.
    """
    out: dict[int, Alike] = {}
    for pair in pairs:
        if pair.earlier not in out:
            out.setdefault(pair.later, pair)
    return out


def _in_order(pair: Alike) -> tuple[int, int]:
    return pair.later, pair.earlier
