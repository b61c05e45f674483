"""Which lines are too much alike: near-duplicates, shared 5-grams, the same said in other words.

Near-duplicates come from MinHash LSH (the rensa library; Broder 1997, Dahlgaard et al. 2017),
shared 5-grams are counted exactly as a product of sparse matrices (SciPy), meaning is the
cosine of two embeddings. All three name the pair, so that a report can say because of what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash, RMinHashLSH  # type: ignore[import-untyped]
from scipy.sparse import csr_array

from fencun.data.refrain import words_only

GRAM = 5
OVERLAP = 0.30  # charter: below 30 % of the shorter line's 5-grams
NEAR = 0.50  # Jaccard index of the two sets of 5-grams
SAME_MEANING = 0.965  # cosine of two E5 embeddings; see docs/data.md for how it was chosen

_PERMUTATIONS = 128
_BANDS = 32
_SEED = 20230122  # of the hash functions: results must repeat
_BLOCK = 512
_POWERS = np.array([0x9E3779B97F4A7C15], dtype=np.uint64) ** np.arange(1, GRAM + 1).astype(
    np.uint64
)
_COMMON = 2000  # a 5-gram in more lines than this tells no pair apart


@dataclass(frozen=True, slots=True)
class Alike:
    """Line ``later`` resembles line ``earlier`` (positions); ``degree`` is from 0 to 1."""

    earlier: int
    later: int
    degree: float


def grams(text: str) -> list[str]:
    """Return the 5-grams of ``text``, punctuation aside; of a shorter text, the text itself."""
    plain = words_only(text)
    return [plain[i : i + GRAM] for i in range(max(1, len(plain) - GRAM + 1))]


def near_duplicates(texts: Sequence[str], threshold: float = NEAR) -> list[Alike]:
    """Return the pairs whose 5-gram sets have a Jaccard index of ``threshold`` or more.

    Candidates come from MinHash LSH (128 permutations, 32 bands: it finds 98 of 100 pairs
    at 0.5 and practically all at 0.7); each is verified exactly, so none is reported wrongly.
    """
    if not texts:
        return []
    matrix = RMinHash.digest_matrix_from_token_sets(
        map(grams, texts), num_perm=_PERMUTATIONS, seed=_SEED
    )
    index = RMinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS, num_bands=_BANDS)
    index.insert_matrix(matrix)
    flags = index.query_duplicate_flags_matrix(matrix)
    suspects = [position for position, flagged in enumerate(flags) if flagged]
    found = []
    for later, earlier in _candidates(index, texts, suspects):
        degree = _jaccard(texts[earlier], texts[later])
        if degree >= threshold:
            found.append(Alike(earlier, later, degree))
    return sorted(found, key=_in_order)


def _candidates(
    index: RMinHashLSH, texts: Sequence[str], suspects: Sequence[int]
) -> Iterator[tuple[int, int]]:
    for start in range(0, len(suspects), _BLOCK):
        block = suspects[start : start + _BLOCK]
        digests = RMinHash.from_token_sets(
            [grams(texts[position]) for position in block], num_perm=_PERMUTATIONS, seed=_SEED
        )
        for later, digest in zip(block, digests, strict=True):
            yield from ((later, earlier) for earlier in set(index.query(digest)) if earlier < later)


def _jaccard(one: str, other: str) -> float:
    a, b = set(grams(one)), set(grams(other))
    return len(a & b) / len(a | b)


def overlaps(texts: Sequence[str], threshold: float = OVERLAP) -> list[Alike]:
    """Return the pairs that share ``threshold`` or more of the shorter line's 5-grams.

    Exact, but for 5-grams that stand in more than 2,000 lines, which are not counted.
    """
    return [] if len(texts) < 2 else sorted(_shared(_incidence(texts), threshold), key=_in_order)


def _incidence(texts: Sequence[str]) -> csr_array[np.int32]:
    """Return which 5-gram stands in which line, shape ``(lines, 5-grams)``, ones and zeros."""
    codes = [_codes(text) for text in texts]
    ends = np.cumsum([0, *map(len, codes)])
    known, columns = np.unique(np.concatenate(codes), return_inverse=True)
    ones = np.ones(len(columns), dtype=np.int32)
    return csr_array((ones, columns, ends), shape=(len(texts), len(known)))


def _codes(text: str) -> NDArray[np.uint64]:
    """Return the distinct 5-grams of ``text`` as 64-bit codes: a hash, so that they are small."""
    characters = np.frombuffer(words_only(text).encode("utf-32-le"), dtype=np.uint32)
    padded = np.pad(characters, (0, max(0, GRAM - len(characters))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, GRAM).astype(np.uint64)
    return np.unique((windows * _POWERS).sum(axis=1, dtype=np.uint64))


def _shared(incidence: csr_array[np.int32], threshold: float) -> Iterator[Alike]:
    sizes = np.diff(incidence.indptr)
    counts = np.bincount(incidence.indices, minlength=incidence.shape[1])
    telling = incidence[:, np.flatnonzero((counts > 1) & (counts <= _COMMON))]
    turned = telling.T.tocsc()
    for start in range(0, incidence.shape[0], _BLOCK):
        block = (telling[start : start + _BLOCK] @ turned).tocoo()
        rows, columns = block.coords[0] + start, block.coords[1]
        shares = block.data / np.minimum(sizes[rows], sizes[columns])
        for at in np.flatnonzero((columns < rows) & (shares >= threshold)):
            yield Alike(int(columns[at]), int(rows[at]), float(shares[at]))


def nearest(texts: Sequence[str]) -> list[float]:
    """Return for every text the largest share of its 5-grams that one other text has too."""
    if len(texts) < 2:
        return [0.0] * len(texts)
    incidence = _incidence(texts)
    sizes = np.diff(incidence.indptr)
    counts = np.bincount(incidence.indices, minlength=incidence.shape[1])
    telling = incidence[:, np.flatnonzero((counts > 1) & (counts <= _COMMON))]
    turned = telling.T.tocsc()
    most = np.zeros(len(texts))
    for start in range(0, len(texts), _BLOCK):
        block = (telling[start : start + _BLOCK] @ turned).tocoo()
        rows, columns = block.coords[0] + start, block.coords[1]
        others = rows != columns
        np.maximum.at(most, rows[others], block.data[others] / sizes[rows[others]])
    return most.tolist()


class Neighbours:
    """Finds the nearest of the texts so far, exactly, one text at a time (for a trickle)."""

    def __init__(self) -> None:
        self._holders: dict[str, list[int]] = {}
        self._names: list[str] = []
        self._sizes: list[int] = []

    def add(self, name: str, text: str) -> None:
        """Take one text more, known as ``name``."""
        own = set(grams(text))
        for gram in own:
            self._holders.setdefault(gram, []).append(len(self._names))
        self._names.append(name)
        self._sizes.append(len(own))

    def nearest(self, text: str) -> tuple[str, float]:
        """Return who shares most of the shorter one's 5-grams with ``text``, and that share."""
        own = set(grams(text))
        shared: dict[int, int] = {}
        for gram in own:
            for at in self._holders.get(gram, ()):
                shared[at] = shared.get(at, 0) + 1
        if not shared:
            return "", 0.0
        share, at = max((n / min(len(own), self._sizes[at]), -at) for at, n in shared.items())
        return self._names[-at], share


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
