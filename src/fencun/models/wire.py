"""The OpenAI chat stream, as both the embedded server and an endpoint speak it."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal

from fencun.errors import EngineError
from fencun.models.engine import Completion, Decoding, Delta, Message, Whole
from fencun.models.think import ThinkFilter

Finish = Literal["stop", "length"]

_MARKER = re.compile(r"<\||\|>|</?s>|</?think>|\[/?INST\]", re.IGNORECASE)


class StallError(EngineError):
    """The server is there but says nothing any more."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of a stream says; everything but ``text`` is usually absent.

    ``index`` tells the answers of one request apart, -1 belongs to none; ``logprobs`` holds
    the natural logarithm of the probability of each token in it.
    """

    text: str = ""
    index: int = 0
    finish: Finish | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    logprobs: tuple[float, ...] = ()


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


async def read_pieces(lines: AsyncIterator[str], n: int = 1) -> AsyncGenerator[Piece, None]:
    """Yield the pieces of a server-sent event stream up to ``[DONE]``, or its end once finished.

    ``n`` is the number of answers asked for. llama.cpp tells what each of them cost right
    after its end and without its index: the piece gets it here.

    Raises:
        EngineError: the server reports an error, breaks off, or sends what is not JSON.
    """
    finished: list[int] = []
    async for line in lines:
        field, _, value = line.partition(":")
        if field == "error":
            raise refused(value)
        if field != "data":
            continue
        if value.strip() == "[DONE]":
            return
        piece = _piece(value)
        if piece.finish is not None:
            finished.append(piece.index)
        if piece.index < 0:
            piece = replace(piece, index=finished[-1] if finished else 0)
        yield piece
    if len(set(finished)) < n:
        raise EngineError(
            "模型的回答中途断了，请重试。", "The answer broke off half-way; please try again."
        )


def _piece(text: str) -> Piece:
    try:
        event = json.loads(text)
        if event.get("error"):
            raise refused(text)
        usage = event.get("usage") or {}
        choice: dict[str, Any] = next(iter(event.get("choices") or ()), {})
        content = (choice.get("delta") or {}).get("content") or ""
        tokens = (choice.get("logprobs") or {}).get("content") or ()
        return Piece(
            text=content,
            index=int(choice.get("index") or 0) if choice else -1,
            finish=_finish(choice.get("finish_reason")),
            prompt_tokens=usage.get("prompt_tokens") or 0,
            completion_tokens=usage.get("completion_tokens") or 0,
            logprobs=tuple(float(token["logprob"]) for token in tokens),
        )
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise EngineError(
            f"模型服务回了看不懂的内容：{text[:120]}",
            f"The model server sent something unreadable: {text[:120]}",
        ) from error


def _finish(reason: str | None) -> Finish | None:
    if reason is None:
        return None
    return "length" if reason == "length" else "stop"


def refused(body: str) -> EngineError:
    """Return the error for a server that says no, with the reason out of its JSON ``body``."""
    reason = error_reason(body)
    if "context" in reason and ("exceed" in reason or "maximum" in reason):
        return EngineError(
            f"内容太长，超过了模型一次能读的长度，请删短一些再试。（{reason}）",
            f"The prompt is longer than the model can read at once; please shorten it. ({reason})",
        )
    return EngineError(f"模型服务拒绝了请求：{reason}", f"The model server refused: {reason}")


def error_reason(body: str) -> str:
    """Return the message of an error body in one of the usual shapes, at most 300 characters."""
    try:
        value = json.loads(body)
    except ValueError:
        return body.strip()[:300]
    if isinstance(value, dict):
        value = value.get("error", value)
    if isinstance(value, dict):
        value = value.get("message") or value.get("detail") or value
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:300]


async def unstalled(
    pieces: AsyncIterator[Piece], *, first_s: float, next_s: float
) -> AsyncGenerator[Piece, None]:
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

    def __init__(self) -> None:
        self._thinking = ThinkFilter()
        self._parts: list[str] = []
        self._logprobs: list[float] = []
        self._finish: Finish | None = None
        self._prompt_tokens = self._completion_tokens = 0

    def add(self, piece: Piece) -> str:
        """Take a piece; return what of it is to be shown."""
        self._logprobs.extend(piece.logprobs)
        self._finish = piece.finish or self._finish
        self._prompt_tokens = piece.prompt_tokens or self._prompt_tokens
        self._completion_tokens = piece.completion_tokens or self._completion_tokens
        return self._keep(self._thinking.feed(piece.text))

    @property
    def told(self) -> bool:
        """Whether its end and its cost have come: nothing more will."""
        return self._finish is not None and self._completion_tokens > 0

    def rest(self) -> str:
        """Return what was held back until it was certain that no more comes."""
        return self._keep(self._thinking.finish())

    def completion(self) -> Completion:
        mean = sum(self._logprobs) / len(self._logprobs) if self._logprobs else None
        return Completion(
            "".join(self._parts),
            self._finish or "stop",
            self._prompt_tokens,
            self._completion_tokens,
            mean,
        )

    def _keep(self, text: str) -> str:
        if text:
            self._parts.append(text)
        return text


async def answers(
    pieces: AsyncGenerator[Piece, None], n: int = 1
) -> AsyncGenerator[Delta | Whole, None]:
    """Yield the ``n`` answers of a stream without their thinking; no delta is empty."""
    growing = {index: _Growing() for index in range(n)}
    async with aclosing(pieces):
        async for piece in pieces:
            answer = growing.get(piece.index)
            if answer is None:
                continue
            if shown := answer.add(piece):
                yield Delta(piece.index, shown)
            if n > 1 and answer.told:
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
    pieces: AsyncGenerator[Piece, None], tell: Callable[[Completion], None] | None = None
) -> AsyncGenerator[str, None]:
    """Yield the text of the only answer of a stream, piece by piece, none of them empty.

    ``tell`` gets the whole answer once the stream has ended well.
    """
    async with aclosing(answers(pieces)) as events:
        async for event in events:
            if isinstance(event, Delta):
                yield event.text
            elif tell is not None:
                tell(event.completion)


async def collect(pieces: AsyncGenerator[Piece, None]) -> Completion:
    """Return the only answer of a stream, whole."""
    told: list[Completion] = []
    async for _ in texts(pieces, told.append):
        pass
    return told[0]
