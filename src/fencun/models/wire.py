"""The OpenAI chat stream, as both the embedded server and an endpoint speak it."""

import asyncio
import json
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from fencun.errors import EngineError
from fencun.models import dialect, sse
from fencun.models.dialect import EventPart
from fencun.models.engine import Completion, Decoding, Delta, Finish, Message, Whole
from fencun.models.think import ThinkFilter

_MARKER = re.compile(r"<\||\|>|</?s>|</?think>|\[/?INST\]", re.IGNORECASE)
# A line end is a line end; what no text holds is left out, and so is what turns it round unseen.
_TIDY: dict[int, str | None] = {
    **dict.fromkeys((*range(0x09), *range(0x0D, 0x20), *range(0x7F, 0xA0))),
    **dict.fromkeys((0xAD, 0x200B, 0x200E, 0x200F, 0x061C, 0xFEFF)),
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2060, 0x2070))),
    **dict.fromkeys((0x0B, 0x0C, 0x85, 0x2028, 0x2029), "\n"),
    0x1B: "\ufffd",  # what a terminal would obey goes on after it: no text to be sent
}


class LostError(EngineError):
    """The server cannot be reached, broke off or is failing: another one may answer."""


class StallError(LostError):
    """The server is there but says nothing any more."""


def chat_body(messages: Sequence[Message], decoding: Decoding) -> dict[str, Any]:
    """Return the part of a streamed chat request that every OpenAI-compatible server knows."""
    body: dict[str, Any] = {
        "messages": [
            {"role": message["role"], "content": defused(message["content"])}
            for message in messages
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "max_tokens": decoding.max_tokens,
        "seed": decoding.seed,
    }
    if decoding.logprobs:
        body["logprobs"] = True
    return body


def defused(text: str) -> str:
    """Return ``text`` with the markers of chat templates broken up by a space.

    Servers read ``<|im_end|>`` as the end of a turn wherever it stands: someone's own
    words could open a system turn. With the space they are words like any other.
    """
    return _MARKER.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


async def read_pieces(lines: AsyncIterator[str], n: int = 1) -> AsyncGenerator[EventPart, None]:
    """Yield the pieces of a server-sent event stream up to ``[DONE]``, or its end once finished.

    ``n`` is the number of answers asked for. llama.cpp tells what each of them cost right
    after its end and without its index: the piece gets it here. A body that is no stream but
    a whole answer is read, too.

    Raises:
        EngineError: the server reports an error, breaks off, or sends what is not JSON.
    """
    finished: list[int] = []
    begun: set[int] = set()
    only: int | None = None
    last: dict[str, Any] | None = {}
    more = False
    try:
        async for told in sse.events(lines):
            event = dialect.usual(told)
            if not event and last is not None:
                raise sse.UnreadableError(json.dumps(last or "[DONE]"))
            if not event and not more:
                return
            more = told.get("done") is False  # in Ollama's words
            last = None if event.get("choices") or last is None else event
            for piece in dialect.pieces(event, begun):
                if n == 1 and piece.index >= 0:
                    only = piece.index if only is None else only
                    if piece.index != only:  # another answer, which nobody asked for
                        continue
                yield _placed(piece, n, finished)
    except sse.FailureError as error:
        raise dialect.refused(str(error)) from error
    except sse.UnreadableError as error:
        raise dialect.unreadable(str(error)) from error
    if len(set(finished)) < n:
        raise LostError(
            "模型的回答中途断了，请重试。", "The answer broke off half-way; please try again."
        )


def _placed(piece: EventPart, n: int, finished: list[int]) -> EventPart:
    """Return ``piece`` with the index it belongs to; note in ``finished`` what has ended."""
    if piece.finish is not None:
        finished.append(0 if n == 1 else piece.index)
    index = piece.index
    if n == 1:
        index = 0
    elif index < 0:
        index = finished[-1] if finished else 0
    return piece if index == piece.index else replace(piece, index=index)


def whole(body: dict[str, Any]) -> Completion:
    """Return the answer of a chat completion that is no stream.

    Raises:
        EngineError: it is none, or it tells of an error.
    """
    answer = _Growing(hold=True)
    pieces = [piece for piece in dialect.pieces(body, set()) if piece.index == 0]
    if not pieces:
        raise dialect.unreadable(json.dumps(body))
    for piece in pieces:
        answer.add(piece)
    answer.rest()
    return answer.completion()


def odds(body: bytes, answer: str, other: str) -> float | None:
    """Return the probability of the first token being ``answer`` rather than ``other``.

    ``body`` is a whole chat completion with its likeliest first tokens; None where they hold
    neither.

    Raises:
        EngineError: the server sent something else.
    """
    try:
        likeliest = json.loads(body)["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        chances = {each["token"]: math.exp(min(0.0, each["logprob"])) for each in likeliest}
        for_, against = chances.get(answer, 0.0), chances.get(other, 0.0)
    except (ValueError, LookupError, TypeError) as error:
        raise EngineError(
            "模型服务回了看不懂的内容。", "The model server sent something unreadable."
        ) from error
    return for_ / (for_ + against) if for_ + against > 0 else None


async def unstalled(
    pieces: AsyncIterator[EventPart], *, first_s: float, next_s: float
) -> AsyncGenerator[EventPart, None]:
    """Pass pieces on; raise :class:`StallError` when the next one takes too long (seconds)."""
    limit = first_s
    while True:
        try:
            async with asyncio.timeout(limit):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise StallError(
                f"模型 {limit:g} 秒没有动静，已放弃这次请求，请重试。",
                f"The model was silent for {limit:g} s; this request was given up. Try again.",
            ) from error
        yield piece
        limit = next_s


class _Growing:
    """An answer that is still being told."""

    def __init__(self, *, hold: bool) -> None:
        self.thinking = ThinkFilter(hold=hold)
        self._increments = dialect.Increments()
        self._surrogate = ""
        self._logprobs: list[float] = []
        self._finish: Finish | None = None
        self._thought = False
        self._prompt_tokens = self._completion_tokens = 0

    def add(self, piece: EventPart) -> str:
        """Take a piece; return what of it is to be shown."""
        text = self._increments.take(piece.text)
        if not self._increments.repeats:  # else nobody knows whether these repeat, too
            self._logprobs.extend(piece.logprobs)
        elif self._logprobs:
            self._logprobs.clear()
        if self._finish in (None, "stop"):  # what was refused is not whole after all
            self._finish = piece.finish or self._finish
        self._thought = self._thought or piece.thought
        self._prompt_tokens = piece.prompt_tokens or self._prompt_tokens
        self._completion_tokens = piece.completion_tokens or self._completion_tokens
        return self.thinking.feed(self._mended(text))

    def _mended(self, text: str) -> str:
        """Join the halves of a character that two pieces cut; tidy line ends and controls."""
        if not text or (text.isascii() and text.isprintable() and not self._surrogate):
            return text
        text = self._surrogate + text
        self._surrogate = text[-1] if "\ud800" <= text[-1] < "\udc00" else ""
        whole = text.removesuffix(self._surrogate).encode("utf-16", "surrogatepass")
        return whole.decode("utf-16", "replace").translate(_TIDY)

    @property
    def is_whole(self) -> bool:
        """Whether its end and its cost have come: nothing more will."""
        return self._finish is not None and self._completion_tokens > 0

    def rest(self) -> str:
        """Return what was held back until it was certain that no more comes."""
        held = self._mended(self._increments.rest())
        held += "\ufffd" if self._surrogate else ""
        return self.thinking.feed(held) + self.thinking.finish()

    def completion(self) -> Completion:
        mean = sum(self._logprobs) / len(self._logprobs) if self._logprobs else None
        return Completion(
            self.thinking.text,
            self._finish or "untold",
            self._prompt_tokens,
            self._completion_tokens,
            mean,
            self._thought or self.thinking.thought,
        )


async def answers(
    pieces: AsyncGenerator[EventPart, None],
    n: int = 1,
    *,
    hold: bool = False,
    mistaken: Callable[[], None] = lambda: None,
) -> AsyncGenerator[Delta | Whole, None]:
    """Yield the ``n`` answers of a stream without their thinking; no delta is empty.

    ``mistaken`` is called where thoughts without an opening mark were told as text; ``hold``
    holds each answer back until it is certain that this does not happen.
    """
    growing = {index: _Growing(hold=hold) for index in range(n)}
    async with aclosing(pieces):
        async for piece in pieces:
            answer = growing.get(piece.index)
            if answer is None:
                continue
            if shown := answer.add(piece):
                yield Delta(piece.index, shown)
            if answer.thinking.mistaken:
                mistaken()
            if n > 1 and answer.is_whole:
                del growing[piece.index]
                for event in _ended(piece.index, answer):
                    yield event
    for index, answer in growing.items():
        for event in _ended(index, answer):
            yield event


def _ended(index: int, answer: _Growing) -> Iterator[Delta | Whole]:
    if rest := answer.rest():
        yield Delta(index, rest)
    yield Whole(index, answer.completion())


async def texts(
    events: AsyncGenerator[Delta | Whole, None], tell: Callable[[Completion], None] | None = None
) -> AsyncGenerator[str, None]:
    """Yield the text of the only answer of :func:`answers`, piece by piece, none of them empty.

    ``tell`` gets the whole answer once the stream has ended well.

    Raises:
        EngineError: what was told turned out to be thoughts.
    """
    said = ""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Delta):
                said += event.text
                yield event.text
                continue
            if said != event.completion.text:
                raise thoughts_told()
            if tell is not None:
                tell(event.completion)


def thoughts_told() -> EngineError:
    """Return the error for a stream whose reader was given what is not the text in the end."""
    return EngineError(
        "前面发来的不是最后的正文（是没有标记的思考，或者中途换了一台服务），请不要用；请再试一次。",
        "What came is not the text in the end (thoughts without a mark, or another server took "
        "over): do not use it; please try again.",
    )


async def collect(events: AsyncGenerator[Delta | Whole, None]) -> Completion:
    """Return the only answer of :func:`answers`, whole."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Whole):
                return event.completion
    raise AssertionError("the answers of a stream end with a whole one")
