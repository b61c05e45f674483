"""An engine behind any OpenAI-compatible endpoint: vLLM, Ollama, DashScope, LLaMA-Factory."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx

from fencun.errors import BusyError, EngineError, FencunError
from fencun.models import dialect, sse, wire
from fencun.models.admission import Admission
from fencun.models.dialect import Piece
from fencun.models.engine import Completion, Decoding, Delta, Message, Whole
from fencun.models.several import merged, numbered

_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE_S = 30.0
_EXTRAS = (
    "chat_template_kwargs",
    "enable_thinking",
    "think",
    "top_k",
    "min_p",
    "repetition_penalty",
)


class EndpointEngine:
    """Answers from ``POST {base_url}/chat/completions``. Belongs to one event loop.

    A request that gets no first piece because the endpoint is busy or broken is tried
    again, ``retries`` times, after the pause that the endpoint asks for. Times are in seconds.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str = "",
        parallel: int = 4,
        waiting: int = 128,
        retries: int = 3,
        connect_s: float = 5.0,
        first_token_s: float = 120.0,
        next_token_s: float = 60.0,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._model = model
        self._retries = retries
        self._first_s = first_token_s
        self._next_s = next_token_s
        self._admission = Admission(parallel, waiting)
        self._thinking_off = thinking_off(model)
        self._plain = False
        self._hold = False
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(connect_s, read=None),
        )
        self._closed = False

    @property
    def name(self) -> str:
        """The model id as the endpoint calls it."""
        return self._model

    @property
    def has_adapter(self) -> bool:
        """False: an adapter there is part of the model id."""
        return False

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

    def _answers(
        self, messages: Sequence[Message], decoding: Decoding
    ) -> AsyncGenerator[Delta | Whole, None]:
        """A model that was seen to think without an opening mark is held back from then on."""

        def mistaken() -> None:
            self._hold = True

        pieces = self._pieces(messages, decoding)
        return wire.answers(pieces, hold=self._hold, mistaken=mistaken)

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

    async def _pieces(
        self, messages: Sequence[Message], decoding: Decoding
    ) -> AsyncGenerator[Piece, None]:
        if self._closed:
            raise EngineError("引擎已经关闭。", "The engine is closed.")
        async with self._admission.turn():
            body = wire.chat_body(messages, decoding) | {"model": self._model}
            attempt = 0
            while True:
                begun = False
                pieces = self._once(body | self._extras_for(decoding))
                try:
                    async with aclosing(pieces):
                        async for piece in pieces:
                            begun = True
                            yield piece
                    return
                except _UnknownFieldError:
                    self._plain = True
                except _PassingError as error:
                    attempt += 1
                    if begun or attempt > self._retries:
                        raise error.final() from error
                    await asyncio.sleep(error.pause_s(attempt))

    def _extras_for(self, decoding: Decoding) -> dict[str, Any]:
        """Return what OpenAI's own API does not know; nothing once the endpoint refused it."""
        if self._plain:
            return {}
        return self._thinking_off | {
            "top_k": decoding.top_k,
            "min_p": decoding.min_p,
            "repetition_penalty": decoding.repeat_penalty,
        }

    async def _once(self, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        watched = wire.unstalled(self._ask(body), first_s=self._first_s, next_s=self._next_s)
        try:
            async with aclosing(watched):
                async for piece in watched:
                    yield piece
        except httpx.HTTPError as error:
            raise _PassingError(
                f"连不上模型接口 {self._url}，或连接中断（{type(error).__name__}）。"
                "请检查地址、网络和服务是否在运行。",
                f"Cannot reach the endpoint {self._url}, or it hung up "
                f"({type(error).__name__}). Check the address, the network and the service.",
            ) from error

    async def _ask(self, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        async with self._http.stream("POST", self._url, json=body) as response:
            if response.status_code != 200:
                text = (await response.aread()).decode(errors="replace")
                raise self._refusal(response, text)
            lines = sse.lines(response.aiter_bytes(), response.charset_encoding)
            async with aclosing(wire.read_pieces(lines)) as pieces:
                async for piece in pieces:
                    yield piece

    def _refusal(self, response: httpx.Response, text: str) -> EngineError:
        status, reason = response.status_code, dialect.error_reason(text)
        if status in _RETRIED:
            return _PassingError(
                f"模型接口暂时答不了（{status}）：{reason}",
                f"The endpoint cannot answer for now ({status}): {reason}",
                status=status,
                retry_after=_seconds(response.headers.get("retry-after")),
            )
        if status in (400, 422) and not self._plain and _names_extra(reason):
            return _UnknownFieldError(reason, reason)
        if status in (401, 403):
            return EngineError(
                f"模型接口不认这个密钥（{status}）。请检查 FENCUN_ENDPOINT_KEY。",
                f"The endpoint refuses the key ({status}). Check FENCUN_ENDPOINT_KEY.",
            )
        if status == 404:
            return EngineError(
                f"接口上没有模型 {self._model}，或地址不对（通常以 /v1 结尾）：{reason}",
                f"The endpoint has no model {self._model}, or the address is wrong "
                f"(it usually ends in /v1): {reason}",
            )
        return dialect.refused(text)


class _UnknownFieldError(EngineError):
    """The endpoint refuses a field that only some servers know."""


class _PassingError(EngineError):
    """A failure that may pass: the request is worth another try."""

    def __init__(
        self, zh: str, en: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(zh, en)
        self._status = status
        self._after = retry_after

    def pause_s(self, attempt: int) -> float:
        """Return how long to wait before the next try; ``attempt`` counts from 1."""
        wanted = self._after if self._after is not None else 0.5 * 2 ** (attempt - 1)
        return float(min(_LONGEST_PAUSE_S, wanted) * random.uniform(1.0, 1.1))

    def final(self) -> FencunError:
        """Return what the user reads when no try is left."""
        if self._status == 429:
            return BusyError(self.zh, self.en, retry_after=max(1, round(self._after or 10)))
        return EngineError(self.zh, self.en)


def thinking_off(model: str) -> dict[str, Any]:
    """Return the fields that keep a Qwen3 from thinking aloud; none for other models.

    vLLM and SGLang read ``chat_template_kwargs``, DashScope ``enable_thinking``,
    Ollama ``think``.
    """
    if "qwen3" not in model.lower():
        return {}
    return {
        "chat_template_kwargs": {"enable_thinking": False},
        "enable_thinking": False,
        "think": False,
    }


def _names_extra(reason: str) -> bool:
    return any(name in reason for name in _EXTRAS) or "unknown" in reason.lower()


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
