"""The verifier: a second adapter of the same base, which reads a brief and a text, and judges.

A generative verifier (Zhang et al., 2024, arXiv:2408.15240): asked whether the text can be sent
as it stands, it answers with one token, and the probability of that token is its judgement. It
learns from blind reads, near misses and faults of the gates (``fencun tune run --method
verifier``), and is served beside the adapter that writes, by one loaded model.
"""

import asyncio
from collections.abc import Sequence

from fencun.adapter import Adapter
from fencun.brief import Brief
from fencun.models.engine import Decoding, Engine
from fencun.prompt import verifying

FIT, UNFIT = "能", "不"


class Verifier:
    """Judges texts through ``engine``, which has loaded its adapter in place ``place``."""

    def __init__(self, engine: Engine, adapter: Adapter, place: int) -> None:
        self._engine = engine
        self._decoding = Decoding(adapter=place, adapter_scale=adapter.scale, max_tokens=1)

    async def read(self, brief: Brief, texts: Sequence[str]) -> list[float | None]:
        """Return for each text the probability, 0 to 1, that it can be sent as it stands.

        None where the engine does not tell.

        Raises:
            EngineError: the engine failed. BusyError: its queue is full.
        """
        asked = [
            self._engine.probability(verifying(brief, text), FIT, UNFIT, self._decoding)
            for text in texts
        ]
        return list(await asyncio.gather(*asked))
