"""The embedded engine: llama.cpp's server, in a process of its own, behind a fair queue."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from fencun.errors import EngineError, ModelError
from fencun.models import dialect, sse, wire
from fencun.models.admission import Admission
from fencun.models.cores import physical_cores
from fencun.models.dialect import EventPart
from fencun.models.engine import Completion, Decoding, Delta, Message, Whole
from fencun.models.loan import Loaded
from fencun.models.process import ServerProcess, ServerSettings
from fencun.models.several import even_parts, merged, numbered

_LONGEST_BACKOFF_S = 30.0
_SETTLED_S = 20.0
# Of several answers the first reads the prompt and the others copy what it has read; llama.cpp
# then forgets the copies. So one slot reads all long prompts, and the next one finds its
# beginning there. A short prompt is read in any slot sooner than it would wait for this one.
_READER = 0
_LONG_CHARS = 600
_LIKELIEST = 20  # tokens told of where a judgement is asked for


class _UnreachedError(EngineError):
    """The server died before it got the request, which another one may answer."""


class EmbeddedEngine:
    """Answers from a GGUF file on this machine. Starts on first use; belongs to one event loop.

    When the server process dies, requests under way end with an
    :class:`~fencun.errors.EngineError` and the next request starts a new one.
    """

    def __init__(
        self,
        model: Path,
        *,
        name: str | None = None,
        adapters: Sequence[Path] = (),
        parallel: int = 4,
        waiting: int = 128,
        context: int = 3072,
        threads: int | None = None,
        first_token_s: float = 180.0,
        next_token_s: float = 60.0,
        start_s: float = 180.0,
    ) -> None:
        """Take the GGUF ``model`` and LoRA ``adapters`` (also GGUF); times are in seconds.

        A request speaks with one of the adapters or with none, see :class:`Decoding`.

        ``context`` is in tokens a request, prompt and answer together. At most ``parallel``
        requests run and ``waiting`` more stand in line.

        Raises:
            ModelError: a file is not there.
        """
        for path in (model, *adapters):
            if not path.is_file():
                raise ModelError(f"没有这个文件：{path}", f"No such file: {path}")
        self._name = name or model.stem
        self._settings = ServerSettings(
            model, tuple(adapters), parallel, context, threads or physical_cores()
        )
        self._first_s = first_token_s
        self._next_s = next_token_s
        self._start_s = start_s
        self._admission = Admission(parallel, waiting)
        self._starting = asyncio.Lock()
        self._server: ServerProcess | None = None
        self._started_at = 0.0
        self._failures = 0
        self._closed = False
        # A kept-alive connection races with the server closing it: loopback needs none.
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(10, read=None),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    @property
    def name(self) -> str:
        """The model id as the catalog calls it."""
        return self._name

    @property
    def has_adapter(self) -> bool:
        """Whether an adapter is loaded."""
        return bool(self._settings.adapters)

    @property
    def loaded(self) -> Loaded:
        """The files that answer, and how long a request may be."""
        told = self._settings
        return Loaded(told.model, told.adapters, told.context)

    @property
    def pid(self) -> int | None:
        """The process id of the running server; None before the first request."""
        return self._server.pid if self._server and self._server.alive else None

    @property
    def waiting(self) -> int:
        """How many requests stand in line."""
        return self._admission.waiting

    def stream(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        tell: Callable[[Completion], None] | None = None,
    ) -> AsyncGenerator[str, None]:
        """See :meth:`fencun.models.engine.Engine.stream`."""
        return wire.texts(wire.answers(self._pieces(messages, decoding)), tell)

    def stream_many(
        self, messages: Sequence[Message], decoding: Decoding, n: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        """See :meth:`fencun.models.engine.Engine.stream_many`.

        As many answers as there are slots share one reading of the prompt; those beyond
        follow when slots get free, and find the prompt in the slot that read it.
        """
        long = sum(len(message["content"]) for message in messages) > _LONG_CHARS
        slot = _READER if n > 1 and long else None
        groups: list[AsyncGenerator[Delta | Whole, None]] = []
        first = 0
        for count in even_groups(n, self._settings.parallel):
            seeded = replace(decoding, seed=decoding.seed + first)
            pieces = self._pieces(messages, seeded, count, slot)
            groups.append(numbered(wire.answers(pieces, count), first))
            first += count
        return merged(groups)

    async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
        """See :meth:`fencun.models.engine.Engine.complete`."""
        return await wire.collect(wire.answers(self._pieces(messages, decoding)))

    async def probability(
        self, messages: Sequence[Message], answer: str, other: str, decoding: Decoding
    ) -> float | None:
        """See :meth:`fencun.models.engine.Engine.probability`."""
        body = self._body(messages, decoding, decoding.adapter_scale)
        body |= {"stream": False, "max_tokens": 1, "logprobs": True, "top_logprobs": _LIKELIEST}
        body.pop("stream_options", None)
        async with self._admission.turn((decoding.adapter_scale, decoding.adapter)):
            for last in (False, True):
                try:
                    return wire.odds(await self._asked(await self._running(), body), answer, other)
                except _UnreachedError:
                    if last:
                        raise
        raise AssertionError("the second try returns or raises")

    async def warm(self, messages: Sequence[Message], adapter_scale: float = 0.0) -> None:
        """Read ``messages`` into the slot that reads for all; the server is started if need be."""
        decoding = Decoding(max_tokens=1, adapter_scale=adapter_scale)
        await wire.collect(wire.answers(self._pieces(messages, decoding, 1, _READER)))

    async def start(self) -> None:
        """Load the model now, rather than on the first request.

        Raises:
            EngineError: the server cannot start.
        """
        await self._running()

    async def aclose(self) -> None:
        """End the server; a second call does nothing."""
        self._closed = True
        async with self._starting:
            self._drop()
        await self._http.aclose()

    async def _pieces(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        n: int = 1,
        slot: int | None = None,
    ) -> AsyncGenerator[EventPart, None]:
        scale = decoding.adapter_scale if self.has_adapter else 0.0
        body = self._body(messages, decoding, scale) | {"n": n}
        if slot is not None:
            body["id_slot"] = slot
        async with self._admission.turn((scale, decoding.adapter), n) as turn:
            for last in (False, True):
                try:
                    async with aclosing(self._watched(await self._running(), body)) as pieces:
                        async for piece in pieces:
                            if piece.finish is not None:
                                turn.give_back()  # its slot is free, whatever the others do
                            yield piece
                    return
                except _UnreachedError:
                    if last:
                        raise

    async def _watched(
        self, server: ServerProcess, body: dict[str, Any]
    ) -> AsyncGenerator[EventPart, None]:
        pieces = self._ask(server, body)
        watched = wire.unstalled(pieces, first_s=self._first_s, next_s=self._next_s)
        try:
            async with aclosing(pieces), aclosing(watched):
                async for piece in watched:
                    yield piece
        except wire.StallError:
            server.end()  # a server that hangs would hang the next request too
            raise

    async def _asked(self, server: ServerProcess, body: dict[str, Any]) -> bytes:
        """Return the whole answer to a request that is not streamed."""
        headers = {"Authorization": f"Bearer {server.key}"}
        url = f"{server.url}/v1/chat/completions"
        try:
            async with asyncio.timeout(self._first_s):
                response = await self._http.post(url, json=body, headers=headers)
        except TimeoutError as error:
            server.end()
            raise wire.StallError(
                "内置引擎没有反应了，已经让它退出；请重试。",
                "The embedded engine no longer answers and was ended; try again.",
            ) from error
        except httpx.HTTPError as error:
            raise self._died(server, error) from error
        if response.status_code != 200:
            raise dialect.refused(response.text)
        return response.content

    async def _ask(
        self, server: ServerProcess, body: dict[str, Any]
    ) -> AsyncGenerator[EventPart, None]:
        headers = {"Authorization": f"Bearer {server.key}"}
        url = f"{server.url}/v1/chat/completions"
        try:
            async with self._http.stream("POST", url, json=body, headers=headers) as response:
                if response.status_code != 200:
                    raise dialect.refused((await response.aread()).decode(errors="replace"))
                lines = sse.lines(response.aiter_bytes())
                async with aclosing(wire.read_pieces(lines, body["n"])) as pieces:
                    async for piece in pieces:
                        yield piece
        except httpx.HTTPError as error:
            raise self._died(server, error) from error

    def _died(self, server: ServerProcess, error: httpx.HTTPError) -> EngineError:
        server.end()  # dead for certain before the next request asks whether it is alive
        kind = _UnreachedError if isinstance(error, httpx.ConnectError) else EngineError
        return kind(
            "内置引擎中途退出了，这次没有写完；请重试，它会自动重新启动。",
            "The embedded engine died before the answer was whole; "
            "try again, it restarts by itself.",
        )

    def _body(
        self, messages: Sequence[Message], decoding: Decoding, scale: float
    ) -> dict[str, Any]:
        body = wire.chat_body(messages, decoding) | {
            "top_k": decoding.top_k,
            "min_p": decoding.min_p,
            "repeat_penalty": decoding.repeat_penalty,
            "cache_prompt": True,
            "chat_template_kwargs": {"enable_thinking": False},
        }
        if self.has_adapter:
            body["lora"] = [
                {"id": place, "scale": scale if place == decoding.adapter else 0.0}
                for place in range(len(self._settings.adapters))
            ]
        return body

    async def _running(self) -> ServerProcess:
        async with self._starting:
            if self._closed:
                raise EngineError("引擎已经关闭。", "The engine is closed.")
            if self._server is not None and self._server.alive:
                return self._server
            self._check_backoff()
            self._drop()
            self._started_at = time.monotonic()
            self._failures += 1
            try:
                self._server = await ServerProcess.start(self._settings, timeout_s=self._start_s)
            except asyncio.CancelledError:
                self._failures -= 1  # nobody waits for it any more: that is no failure
                raise
            self._started_at = time.monotonic()
            return self._server

    def _check_backoff(self) -> None:
        """Refuse to start again too soon after the last starts or early deaths."""
        since = time.monotonic() - self._started_at
        if self._server is not None and since > _SETTLED_S:
            self._failures = 0
        pause = min(_LONGEST_BACKOFF_S, 2.0 ** (self._failures - 2)) if self._failures > 1 else 0.0
        if since < pause:
            left = max(1, round(pause - since))
            raise EngineError(
                f"内置引擎刚刚连着退出了 {self._failures} 次，请 {left} 秒后再试。",
                f"The embedded engine has just failed {self._failures} times in a row; "
                f"try again in {left} s.",
            )

    def _drop(self) -> None:
        if self._server is not None:
            self._server.end()
            self._server = None


def even_groups(n: int, most: int) -> list[int]:
    """Split ``n`` into as few parts of at most ``most`` as possible, as even as possible."""
    return even_parts(n, -(-n // most))
