"""An engine for tests: it says what it was told to say, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from fencun.errors import EngineError, FencunError
from fencun.models.engine import Completion, Decoding, Delta, Message, Whole
from fencun.models.several import merged

Answer = str | FencunError
Script = Sequence[Answer] | Callable[[Sequence[Message], Decoding], Answer]


class FakeEngine:
    """Answers from a list, in turn and round again, or from a function of the request.

    An answer that is a :class:`~fencun.errors.FencunError` is raised; with ``fail_after``
    pieces every stream breaks off with an :class:`~fencun.errors.EngineError`. A token is
    a character here. ``calls`` and ``warmed`` record the requests.
    """

    def __init__(
        self,
        script: Script = ("新年好。",),
        *,
        name: str = "fake",
        has_adapter: bool = False,
        delay_s: float = 0.0,
        piece: int = 2,
        fail_after: int | None = None,
        mean_logprob: float | None = None,
        judge: Callable[[str], float] | None = None,
    ) -> None:
        self._script = script
        self._name = name
        self._has_adapter = has_adapter
        self._delay_s = delay_s
        self._piece = piece
        self._fail_after = fail_after
        self._mean_logprob = mean_logprob
        self._judge = judge
        self.calls: list[tuple[list[Message], Decoding]] = []
        self.warmed: list[list[Message]] = []
        self.closed = False

    @property
    def name(self) -> str:
        """The name it was given."""
        return self._name

    @property
    def has_adapter(self) -> bool:
        """What it was told to say."""
        return self._has_adapter

    def stream(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        tell: Callable[[Completion], None] | None = None,
    ) -> AsyncGenerator[str, None]:
        """Yield the next answer in pieces of ``piece`` characters, ``delay_s`` apart."""
        return self._stream(messages, decoding, tell)

    async def _stream(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        tell: Callable[[Completion], None] | None,
    ) -> AsyncGenerator[str, None]:
        text = self._answer(messages, decoding)[: decoding.max_tokens]
        for count, start in enumerate(range(0, len(text), self._piece)):
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            if count == self._fail_after:
                raise EngineError("假引擎按吩咐中途退出。", "The fake engine died, as told.")
            yield text[start : start + self._piece]
        if tell is not None:
            tell(
                Completion(
                    text=text,
                    finish="length" if len(text) == decoding.max_tokens else "stop",
                    prompt_tokens=sum(len(message["content"]) for message in messages),
                    completion_tokens=len(text),
                    mean_logprob=self._mean_logprob,
                )
            )

    def stream_many(
        self, messages: Sequence[Message], decoding: Decoding, n: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        """Yield the next ``n`` answers side by side; every one of them is a call."""
        return merged([self._one(messages, decoding, index) for index in range(n)])

    async def _one(
        self, messages: Sequence[Message], decoding: Decoding, index: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        wholes: list[Completion] = []
        seeded = replace(decoding, seed=decoding.seed + index)
        async with aclosing(self._stream(messages, seeded, wholes.append)) as pieces:
            async for piece in pieces:
                yield Delta(index, piece)
        yield Whole(index, wholes[0])

    async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
        """Return the next answer whole."""
        wholes: list[Completion] = []
        async for _ in self._stream(messages, decoding, wholes.append):
            pass
        return wholes[0]

    async def probability(
        self, messages: Sequence[Message], answer: str, other: str, decoding: Decoding
    ) -> float | None:
        """Return what ``judge`` says of the last message; None without one."""
        return self._judge(messages[-1]["content"]) if self._judge else None

    async def warm(self, messages: Sequence[Message], adapter_scale: float = 0.0) -> None:
        """Remember that it was asked to."""
        self.warmed.append(list(messages))

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _answer(self, messages: Sequence[Message], decoding: Decoding) -> str:
        if self.closed:
            raise EngineError("引擎已经关闭。", "The engine is closed.")
        self.calls.append((list(messages), decoding))
        if callable(self._script):
            answer = self._script(messages, decoding)
        else:
            answer = self._script[(len(self.calls) - 1) % len(self._script)]
        if isinstance(answer, FencunError):
            raise answer
        return answer
