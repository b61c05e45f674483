"""An engine behind any OpenAI-compatible endpoint: vLLM, Ollama, DashScope, LLaMA-Factory."""

import asyncio
import math
import random
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from fencun.errors import BusyError, EngineError, FencunError
from fencun.models import dialect, sse, wire
from fencun.models.address import parse_address
from fencun.models.admission import Admission
from fencun.models.dialect import EventPart
from fencun.models.engine import Completion, Decoding, Delta, Message, Whole
from fencun.models.fields import Fields
from fencun.models.proxy import route_to
from fencun.models.several import merged, numbered

_RETRIED = frozenset({408, 409, 425, 429, *range(500, 600)} - {501, 505})
_LONGEST_PAUSE_S = 30.0
_LONGEST_WAIT_S = 7 * 24 * 3600
_REDIRECTS = 3
_LONGEST_REFUSAL = 1 << 16  # bytes
_REST_S = 0.5
_THOUGHTS = 4096  # tokens: what a model that thinks may spend before it begins to write
_THINKER = re.compile(
    r"thinking|(?<![a-z])r1(?![0-9])|qwq|gpt-oss|magistral|reason|(?<![a-z0-9])o[1-9](?![0-9])",
    re.IGNORECASE,
)


class EndpointEngine:
    """Answers from ``POST {base_url}/chat/completions``. Belongs to one event loop.

    ``tuned`` is the id under which the same server offers the tuned model, where it does: it
    answers where ``adapter_scale`` is above 0, with the strength that the server gives it.

    A request that gets no first piece because the endpoint is busy or broken is tried
    again, ``retries`` times, after the pause that the endpoint asks for. Times are in seconds.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str = "",
        tuned: str = "",
        parallel: int = 4,
        waiting: int = 128,
        retries: int = 3,
        connect_s: float = 5.0,
        first_token_s: float = 120.0,
        next_token_s: float = 60.0,
    ) -> None:
        """Raises :class:`ModelError` or :class:`ProxyError` where no request could be sent."""
        self._address = parse_address(base_url, api_key)
        self._model = model
        self._tuned = tuned
        self._retries = retries
        self._first_s = first_token_s
        self._next_s = next_token_s
        self._admission = Admission(parallel, waiting)
        self._fields = Fields()
        self._thinks = _THINKER.search(model) is not None
        self._hold = False
        self._http = httpx.AsyncClient(
            headers=self._address.headers,
            timeout=httpx.Timeout(connect_s, read=None),
            limits=httpx.Limits(max_keepalive_connections=parallel),  # all are asked again
            **route_to(self._address.url),
        )
        self._closed = False

    @property
    def name(self) -> str:
        """The model id as the endpoint calls it."""
        return self._model

    @property
    def has_adapter(self) -> bool:
        """Whether the server offers a tuned model, too."""
        return bool(self._tuned)

    def stream(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        tell: Callable[[Completion], None] | None = None,
    ) -> AsyncGenerator[str, None]:
        """See :meth:`fencun.models.engine.Engine.stream`."""
        return wire.texts(self._answers(messages, decoding), tell)

    def stream_many(
        self, messages: Sequence[Message], decoding: Decoding, n: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        """See :meth:`fencun.models.engine.Engine.stream_many`.

        Each answer is a request of its own, with its own seed and its own second try: not
        every endpoint knows ``n``, and those that batch keep the common prompt anyway.
        """
        return merged([self._one(messages, decoding, index) for index in range(n)])

    def _one(
        self, messages: Sequence[Message], decoding: Decoding, index: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        seeded = replace(decoding, seed=decoding.seed + index)
        return numbered(self._answers(messages, seeded), index)

    async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
        """See :meth:`fencun.models.engine.Engine.complete`."""
        return await wire.collect(self._answers(messages, decoding))

    async def probability(
        self, messages: Sequence[Message], answer: str, other: str, decoding: Decoding
    ) -> float | None:
        """Return None: an endpoint has no adapter of ours that could judge."""
        return None

    async def warm(self, messages: Sequence[Message], adapter_scale: float = 0.0) -> None:
        """Do nothing: how an endpoint keeps its prompts is its own affair."""

    async def aclose(self) -> None:
        """Close the connections; a second call does nothing."""
        self._closed = True
        await self._http.aclose()

    async def _answers(
        self, messages: Sequence[Message], decoding: Decoding
    ) -> AsyncGenerator[Delta | Whole, None]:
        """Answer, and learn whether the model thinks: then it gets tokens for that, too.

        One that thinks without an opening mark is held back from then on. An answer that was
        cut off in its thoughts, for want of knowing better, is asked for once more.
        """
        while True:
            knew, yielded = self._thinks, False
            most = decoding.max_tokens + (_THOUGHTS if knew else 0)
            pieces = self._pieces(messages, replace(decoding, max_tokens=most))
            events = wire.answers(pieces, hold=self._hold, mistaken=self._hold_back)
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Whole):
                        self._thinks = self._thinks or event.completion.thought
                        cut = event.completion.thought and event.completion.finish == "length"
                        if cut and not (knew or yielded):
                            break
                    yielded = True
                    yield event
                else:
                    return

    def _hold_back(self) -> None:
        self._hold = True

    async def _pieces(
        self, messages: Sequence[Message], decoding: Decoding
    ) -> AsyncGenerator[EventPart, None]:
        if self._closed:
            raise EngineError("引擎已经关闭。", "The engine is closed.")
        try:
            async with self._admission.turn():
                tuned = self._tuned and decoding.adapter_scale > 0
                model = self._tuned if tuned else self._model
                body = wire.chat_body(messages, decoding) | {"model": model}
                async with aclosing(self._tried(body, decoding)) as pieces:
                    async for piece in pieces:
                        yield piece
        except FencunError as error:
            raise self._address.hide(error) from error.__cause__

    async def _tried(
        self, body: dict[str, Any], decoding: Decoding
    ) -> AsyncGenerator[EventPart, None]:
        """Ask until an answer begins, or nothing is left to be tried."""
        attempt, plain = 0, False
        while True:
            begun = False
            sent = self._fields.fitted(body, decoding, plain=plain)
            try:
                async with aclosing(self._once(sent)) as pieces:
                    async for piece in pieces:
                        if plain and not begun:
                            self._fields.learn_plain()
                        begun = True
                        yield piece
                return
            except _FieldError as error:
                if self._fields.learn(error.body, sent):
                    continue
                if plain:
                    raise dialect.refused(error.body) from error
                plain = True
            except _PassingError as error:
                attempt += 1
                if begun or attempt > self._retries or error.is_long:
                    raise error.final() from error
                await asyncio.sleep(error.pause_s(attempt))

    async def _once(self, body: dict[str, Any]) -> AsyncGenerator[EventPart, None]:
        watched = wire.unstalled(self._ask(body), first_s=self._first_s, next_s=self._next_s)
        try:
            async with aclosing(watched):
                async for piece in watched:
                    yield piece
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            shown, kind = self._address.shown, type(error).__name__
            raise _PassingError(
                f"连不上模型接口 {shown}，或连接中断（{kind}）。"
                "请检查地址、网络、代理和服务是否在运行。",
                f"Cannot reach the endpoint {shown}, or it hung up ({kind}). "
                "Check the address, the network, the proxy and the service.",
            ) from error

    async def _ask(self, body: dict[str, Any]) -> AsyncGenerator[EventPart, None]:
        url = self._address.url
        for _ in range(_REDIRECTS):
            async with self._http.stream("POST", url, json=body) as response:
                if response.is_redirect:
                    url = _moved(response)
                    continue
                if not response.is_success:
                    raise _refusal(response, await _head(response), body["model"])
                chunks = response.aiter_bytes()
                lines = sse.lines(chunks, response.charset_encoding)
                async with aclosing(wire.read_pieces(lines)) as pieces:
                    async for piece in pieces:
                        yield piece
                await _rest(chunks)
                return
        raise EngineError(
            f"模型接口 {self._address.shown} 来回转址，请检查 FENCUN_ENDPOINT。",
            f"The endpoint {self._address.shown} redirects in circles; check FENCUN_ENDPOINT.",
        )


def _refusal(response: httpx.Response, text: str, model: str) -> EngineError:
    status = response.status_code
    reason = dialect.error_reason(text) or response.reason_phrase
    if status in _RETRIED:
        return _PassingError(
            f"模型接口暂时答不了（{status}）：{reason}",
            f"The endpoint cannot answer for now ({status}): {reason}",
            status=status,
            retry_after=_seconds(response.headers.get("retry-after")),
        )
    if status in (400, 422):
        return _FieldError(text)
    if status in (401, 403):
        return EngineError(
            f"模型接口不认这个密钥（{status}）：{reason} 请检查 FENCUN_ENDPOINT_KEY。",
            f"The endpoint refuses the key ({status}): {reason} Check FENCUN_ENDPOINT_KEY.",
        )
    if status == 404:
        return EngineError(
            f"接口上没有模型 {model}，或地址不对（通常以 /v1 结尾）：{reason}",
            f"The endpoint has no model {model}, or the address is wrong "
            f"(it usually ends in /v1): {reason}",
        )
    return dialect.refused(text or f"{status} {reason}")


class _FieldError(EngineError):
    """The endpoint refuses the request, perhaps for a field that only some servers know."""

    def __init__(self, body: str) -> None:
        super().__init__(body, body)
        self.body = body


class _PassingError(EngineError):
    """A failure that may pass: the request is worth another try."""

    def __init__(
        self, zh: str, en: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(zh, en)
        self._status = status
        self._after = retry_after

    @property
    def is_long(self) -> bool:
        """Whether the endpoint asks for more patience than anyone has who waits for a text."""
        return self._after is not None and self._after > _LONGEST_PAUSE_S

    def pause_s(self, attempt: int) -> float:
        """Return how long to wait before the next try; ``attempt`` counts from 1."""
        wanted = self._after if self._after is not None else 0.5 * 2 ** (attempt - 1)
        return float(min(_LONGEST_PAUSE_S, wanted) * random.uniform(1.0, 1.1))

    def final(self) -> FencunError:
        """Return what the user reads when no try is left."""
        if self._status == 429 or self.is_long:
            after = max(1, round(self._after or 10))
            zh, en = f"{self.zh}。请 {after} 秒后再试。", f"{self.en}. Try again in {after} s."
            return BusyError(zh, en, retry_after=after)
        return wire.LostError(self.zh, self.en)


def _moved(response: httpx.Response) -> str:
    """Return where the same server wants the request instead.

    Raises:
        EngineError: it points to another server, which must not get the key.
    """
    here = response.request.url
    there = here.join(response.headers.get("location", ""))
    safer = here.scheme == "http" and there.scheme == "https"
    if (
        here.host == there.host
        and (here.port == there.port or safer)
        and (here.scheme == there.scheme or safer)
    ):
        return str(there)
    shown = there.copy_with(username=None, password=None, query=None, fragment=None)
    raise EngineError(
        f"模型接口转到了别处：{shown}。如果那里可信，请把 FENCUN_ENDPOINT 改成新地址。",
        f"The endpoint has moved to {shown}. If you trust it, set FENCUN_ENDPOINT to it.",
    )


async def _rest(chunks: AsyncIterator[bytes]) -> None:
    """Take what follows the end of an answer: only then is its connection kept for the next."""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_REST_S):
            async for _ in chunks:
                pass


async def _head(response: httpx.Response) -> str:
    """Return the beginning of a refusal's body."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _LONGEST_REFUSAL:
            break
    return body[:_LONGEST_REFUSAL].decode(sse.known(response.charset_encoding), "replace")


def _seconds(header: str | None) -> float | None:
    """Return how long ``Retry-After`` asks to wait: seconds or a date; None where it is neither."""
    try:
        wanted = float(header or "nan")
    except ValueError:
        try:
            wanted = parsedate_to_datetime(header or "").timestamp() - time.time()
        except (ValueError, OverflowError, TypeError):
            return None
    return min(_LONGEST_WAIT_S, max(0.0, wanted)) if math.isfinite(wanted) else None
