"""Whether a tuned model at an endpoint says anything else than its base.

Servers have been seen to answer 200 for an adapter that they never loaded, or whose names they
did not know: what is called tuned is then the base, and nobody notices.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fencun.errors import EngineError
from fencun.models.engine import Decoding, Engine, Message

_GREEDY = Decoding(temperature=0.0, top_p=1.0, top_k=1, min_p=0.0, repeat_penalty=1.0,
                   max_tokens=48, seed=0)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Canary:
    """Of ``asked`` prompts ``steady`` had the same answer twice from the base, and of these
    ``different`` had another from the tuned model."""

    asked: int
    steady: int
    different: int

    @property
    def silent(self) -> bool:
        """Whether the tuned model says what the base says, word for word."""
        return self.steady > 0 and self.different == 0

    def error(self) -> EngineError:
        """Return what a user reads of a tuned model that is silent."""
        return EngineError(
            f"接口上的 tuned 和底座对 {self.steady} 个固定问题一字不差，适配器多半没有加载上。"
            "请检查服务那边的 LoRA（vLLM：--enable-lora --lora-modules 名字=目录），"
            "或去掉 FENCUN_ENDPOINT_TUNED 只用底座。",
            f"At the endpoint the tuned model answers {self.steady} fixed prompts word for word "
            "as its base does: the adapter was probably never loaded. Check the server's LoRA "
            "(vLLM: --enable-lora --lora-modules NAME=FOLDER), or unset FENCUN_ENDPOINT_TUNED.",
        )


async def listen(engine: Engine, chats: Sequence[Sequence[Message]], scale: float = 1.0) -> Canary:
    """Ask the base twice and the tuned model once for each of ``chats``, greedily.

    A prompt to which the base itself says now this, now that tells nothing and does not count.
    ``scale`` is the strength of the adapter, where the engine heeds it.

    Raises:
        EngineError: the engine failed.
    """
    tuned = replace(_GREEDY, adapter_scale=scale)
    told = await asyncio.gather(
        *(
            engine.complete(chat, decoding)
            for chat in chats
            for decoding in (_GREEDY, _GREEDY, tuned)
        )
    )
    texts = [completion.text.strip() for completion in told]
    threes = [texts[at : at + 3] for at in range(0, len(texts), 3)]
    steady = [three for three in threes if three[0] == three[1]]
    return Canary(len(threes), len(steady), sum(three[2] != three[0] for three in steady))
