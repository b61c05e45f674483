"""Whether a tuned model at an endpoint says anything else than its base.

Servers have been seen to answer 200 for an adapter that they never loaded, or whose names they
did not know: what is called tuned is then the base, and nobody notices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fencun.errors import EngineError
from fencun.models.engine import Decoding, Engine, Message

_GREEDY = Decoding(temperature=0.0, top_p=1.0, top_k=1, min_p=0.0, repeat_penalty=1.0,
                   max_tokens=32, seed=0)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Canary:
    """Of ``asked`` prompts ``steady`` had the same answer twice from base and tuned model each,
    and of these ``different`` had one from the base and another from the tuned model."""

    asked: int
    steady: int
    different: int

    @property
    def silent(self) -> bool:
        """Whether the tuned model mostly says what the base says, word for word.

        Mostly: where a server keeps prompts, rounding alone may turn a word now and then.
        """
        return 2 * self.different < self.steady

    def error(self) -> EngineError:
        """Return what a user reads of a tuned model that is silent."""
        return EngineError(
            f"接口上的 tuned 对 {self.steady} 个固定问题里的 {self.steady - self.different} 个"
            "和底座一字不差，适配器多半没有加载上。"
            "请检查服务那边的 LoRA（vLLM：--enable-lora --lora-modules 名字=目录），"
            "或去掉 FENCUN_ENDPOINT_TUNED 只用底座。",
            f"At the endpoint the tuned model answers {self.steady - self.different} of "
            f"{self.steady} fixed prompts word for word as its base does: the adapter was "
            "probably never loaded. Check the server's LoRA "
            "(vLLM: --enable-lora --lora-modules NAME=FOLDER), or unset FENCUN_ENDPOINT_TUNED.",
        )


async def listen(engine: Engine, chats: Sequence[Sequence[Message]], scale: float = 1.0) -> Canary:
    """Ask base and tuned model twice in turn for each of ``chats``, greedily, one at a time.

    What is asked at the same time is computed together, and that alone can turn a word: vLLM has
    told the base from an adapter of zeros so. A prompt to which one of the two says now this, now
    that tells nothing and does not count. ``scale`` is the strength of the adapter, where the
    engine heeds it.

    Raises:
        EngineError: the engine failed.
    """
    tuned = replace(_GREEDY, adapter_scale=scale)
    steady = different = 0
    for chat in chats:
        base, tuned_says, again, tuned_again = [
            (await engine.complete(chat, decoding)).text.strip()
            for decoding in (_GREEDY, tuned, _GREEDY, tuned)
        ]
        if (base, tuned_says) == (again, tuned_again):
            steady += 1
            different += base != tuned_says
    return Canary(len(chats), steady, different)
