"""The seam between us and whoever generates: an embedded server, an endpoint, or a fake."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict


class Message(TypedDict):
    """One turn of a chat, as every chat template knows it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Decoding:
    """How an answer is sampled. The same decoding and seed on the same engine repeat an answer.

    ``adapter_scale`` is the strength of the loaded LoRA adapter: 0 is the base model; of
    several that are loaded, ``adapter`` is the place in their order of the one that is meant.
    ``logprobs`` asks ``complete`` for ``mean_logprob``, which slows an embedded model down.
    """

    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 40
    min_p: float = 0.05
    repeat_penalty: float = 1.05
    max_tokens: int = 320
    seed: int = 0
    adapter_scale: float = 0.0
    adapter: int = 0
    logprobs: bool = False


# "length": ``max_tokens`` cut it off. "content_filter", "tool_calls": as OpenAI says it.
# "broken": the server ended it for a reason of its own. "untold": it did not say.
Finish = Literal["stop", "length", "content_filter", "tool_calls", "broken", "untold"]


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer without its thoughts. Only ``finish`` ``"stop"`` ended by itself.

    ``thought`` says that the model thought aloud. See :func:`fencun.models.ending.flaw`.
    ``mean_logprob`` is the mean natural logarithm of the probability of the sampled
    tokens under the model that wrote them; None where the engine does not tell.
    """

    text: str
    finish: Finish
    prompt_tokens: int
    completion_tokens: int
    mean_logprob: float | None = None
    thought: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """Answer ``index`` of several has grown by ``text``.

    What a :class:`Whole` says in the end counts: a model that thinks without an opening mark
    has its thoughts told before they are known as such.
    """

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Whole:
    """Answer ``index`` of several has ended."""

    index: int
    completion: Completion


class Engine(Protocol):
    """Who generates. Every method raises :class:`~fencun.errors.EngineError` and never hangs."""

    @property
    def name(self) -> str:
        """The model id as the catalog or the endpoint calls it."""
        ...

    @property
    def has_adapter(self) -> bool:
        """Whether ``adapter_scale`` above 0 changes anything."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        tell: Callable[[Completion], None] | None = None,
    ) -> AsyncGenerator[str, None]:
        """Yield the answer piece by piece; closing the iterator cancels the generation.

        ``tell`` gets the whole answer, with what it cost, once it has ended well.

        Raises:
            EngineError: the engine died or refused, before or while it answered.
            BusyError: the bounded queue is full.
        """
        ...

    def stream_many(
        self, messages: Sequence[Message], decoding: Decoding, n: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        """Yield ``n`` answers to one prompt side by side, each of them ending with its ``Whole``.

        Answer ``index`` is sampled with the seed ``decoding.seed + index``. An engine that
        can reads the prompt once for all of them. Closing the iterator cancels them all, and
        the first that fails ends the others. Raises as :meth:`stream`.
        """
        ...

    async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
        """Return the whole answer. Raises as :meth:`stream`."""
        ...

    async def probability(
        self, messages: Sequence[Message], answer: str, other: str, decoding: Decoding
    ) -> float | None:
        """Return how much likelier the chat goes on with ``answer`` than with ``other``.

        Both are one token each; the probability is that of ``answer`` among the two, from 0
        to 1. None where the engine does not tell. Raises as :meth:`stream`.
        """
        ...

    async def warm(self, messages: Sequence[Message], adapter_scale: float = 0.0) -> None:
        """Read a prompt ahead, so that prompts that begin like it get their first token sooner.

        Does nothing where the engine keeps no prompts. Raises as :meth:`stream`.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the engine; a second call does nothing."""
        ...
