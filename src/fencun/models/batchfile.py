"""The files of a Batch service, and an engine whose answers come by way of them.

The files are those of OpenAI's Batch API, which ``vllm run-batch`` and the batch services of
model providers take: one request a line, one result a line, in any order.
"""

import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from fencun.errors import EngineError, FencunError, RecordError
from fencun.files import Json, read_jsonl, sha256_json
from fencun.language import say
from fencun.models import dialect, wire
from fencun.models.engine import Completion, Decoding, Delta, Message, Whole
from fencun.models.open import model_name, tuned_model
from fencun.models.several import merged, numbered

_URL = "/v1/chat/completions"
Asked = TypeVar("Asked")
_STREAMING = ("stream", "stream_options")
_SEAL = 8  # hexadecimal digits before the first dot of a custom_id: the digest of the body
# Batch services refuse fields that they do not know; those that serve a Qwen know these.
_QUIET = {"chat_template_kwargs": {"enable_thinking": False}, "enable_thinking": False}


class WaitingError(FencunError):
    """The answer to a request is in no file of results (yet)."""

    code = "waiting"

    def __init__(self) -> None:
        super().__init__("结果还没有回来。", "Its result is not there yet.")


def request(
    custom_id: str, chat: Sequence[Message], decoding: Decoding, *, model: str, known_as: str = ""
) -> Json:
    """Return the line that asks ``model`` for one answer to ``chat``, known as ``custom_id``.

    Before that id stands a seal: by it :func:`edited` sees whether the line is still what it
    was. ``known_as`` is how the model is called here, should its id there not tell its family.
    """
    body = {
        name: value
        for name, value in wire.chat_body(chat, decoding).items()
        if name not in _STREAMING
    }
    quiet = _QUIET if "qwen" in f"{model} {known_as}".lower() else {}
    whole = {"model": model, **body, **quiet}
    sealed = f"{_seal(whole)}.{custom_id}"
    return {"custom_id": sealed, "method": "POST", "url": _URL, "body": whole}


def _seal(body: Json) -> str:
    return sha256_json(body)[:_SEAL]


def edited(path: Path) -> frozenset[str]:
    """Return the ids of those requests in ``path`` that were changed since they were written.

    Raises:
        FencunError: it cannot be read, or holds no request.
    """
    changed, count = set(), 0
    for _, row in read_jsonl(path):
        if isinstance(row, RecordError) or not isinstance(body := row.get("body"), dict):
            continue
        count += 1
        if (told := str(row.get("custom_id"))).partition(".")[0] != _seal(body):
            changed.add(told)
    if not count:
        raise FencunError(
            f"{path} 里没有请求；--requests 要的是交出去的那个文件。",
            f"{path} holds no request; --requests takes the file that was handed out.",
        )
    return frozenset(changed)


def results(
    paths: Sequence[Path],
    refused: Counter[str],
    read: Callable[[str], Asked | None],
    requests: Path | None = None,
) -> Iterator[tuple[Asked, Completion | EngineError]]:
    """Yield what came back by what ``read`` makes of its ``custom_id``: an answer, or an error.

    ``refused`` counts, by reason, errors of the service and lines that are no result of a
    request of ours, of which ``read`` makes nothing; where the file of ``requests`` is given,
    also those of requests that were changed in it.
    """
    changed = edited(requests) if requests else frozenset()
    for path in paths:
        for _, row in read_jsonl(path):
            told = None if isinstance(row, RecordError) else row.get("custom_id")
            asked = read(told[_SEAL + 1 :]) if isinstance(told, str) else None
            if isinstance(row, RecordError) or asked is None or not isinstance(told, str):
                reason = say("不是分寸交出去的请求的结果", "no result of a request of ours")
                refused[reason] += 1
                continue
            if told in changed:
                refused[say("请求交出去以前改过", "its request was edited")] += 1
                continue
            try:
                yield asked, _completion(row)
            except EngineError as error:
                refused[str(error)] += 1
                yield asked, error


def _completion(row: Json) -> Completion:
    """Return the answer of a result row; raises :class:`EngineError` with its words for none."""
    response = row.get("response")
    told = response if isinstance(response, dict) else {}
    body = told.get("body")
    status = told.get("status_code", 200)
    if row.get("error") or status != 200 or not isinstance(body, dict):
        raise dialect.refused(json.dumps(row.get("error") or body or row))
    return wire.whole(body)


class BatchFile:
    """The requests that go out to a Batch service, and the answers that came back from it.

    ``kind`` begins every ``custom_id`` of this file. ``requests`` are those that were asked and
    have no answer among the results, in the order they were asked; ``refused`` counts, by
    reason, results that are no answer. Of duplicates the first answer counts.
    """

    def __init__(self, kind: str, paths: Sequence[Path] = (), requests: Path | None = None) -> None:
        self._kind = kind
        self.requests: list[Json] = []
        self.refused: Counter[str] = Counter()
        self._asked: set[str] = set()
        self._returned: dict[str, Completion] = {}
        for custom_id, told in results(paths, self.refused, self._ours, requests):
            if isinstance(told, Completion):
                self._returned.setdefault(custom_id, told)

    def _ours(self, custom_id: str) -> str | None:
        return custom_id if custom_id.startswith(f"{self._kind}.") else None

    @property
    def strange(self) -> int:
        """How many results belong to nothing that was asked: something else, or it was edited."""
        return len(self._returned.keys() - self._asked)

    def ask(
        self, identity: str, chat: Sequence[Message], decoding: Decoding, *, model: str, name: str
    ) -> Completion:
        """Return the answer to the request ``identity``.

        Raises:
            WaitingError: there is no answer to it; ``requests`` holds it now.
        """
        custom_id = f"{self._kind}.{identity}"
        self._asked.add(custom_id)
        told = self._returned.get(custom_id)
        if told is None:
            line = request(custom_id, chat, decoding, model=model, known_as=name)
            self.requests.append(line)
            raise WaitingError()
        return told

    def open(self, model: str | None, adapter: Path | None) -> "BatchFileEngine":
        """Return an engine that answers from here, as :func:`~fencun.models.open.open_engine`."""
        return BatchFileEngine(self, model_name(model), tuned_model() if adapter else "", adapter)


class BatchFileEngine:
    """An engine that answers from a file: what it is asked, word for word, is the request's id."""

    def __init__(self, batch: BatchFile, name: str, tuned: str, adapter: Path | None) -> None:
        if adapter and not tuned:
            raise EngineError(
                "交给 Batch 服务，要知道适配器在那边叫什么：请设 FENCUN_ENDPOINT_TUNED。",
                "An arm with an adapter needs the id by which the Batch service knows it: set "
                "FENCUN_ENDPOINT_TUNED.",
            )
        self._file = batch
        self._name = name
        self._tuned = tuned

    @property
    def name(self) -> str:
        """The model id as the catalog or the service calls it."""
        return self._name

    @property
    def has_adapter(self) -> bool:
        """Whether the service knows a tuned model, too."""
        return bool(self._tuned)

    async def complete(self, messages: Sequence[Message], decoding: Decoding) -> Completion:
        """See :meth:`fencun.models.engine.Engine.complete`; raises also :class:`WaitingError`."""
        model = self._tuned if decoding.adapter_scale > 0 else self._name
        digest = sha256_json([model, list(messages), asdict(decoding)])[:24]
        return self._file.ask(digest, messages, decoding, model=model, name=self._name)

    def stream(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        tell: Callable[[Completion], None] | None = None,
    ) -> AsyncGenerator[str, None]:
        """See :meth:`fencun.models.engine.Engine.stream`."""
        return wire.texts(self._whole(messages, decoding), tell)

    def stream_many(
        self, messages: Sequence[Message], decoding: Decoding, n: int
    ) -> AsyncGenerator[Delta | Whole, None]:
        """See :meth:`fencun.models.engine.Engine.stream_many`."""
        seeds = [replace(decoding, seed=decoding.seed + index) for index in range(n)]
        wholes = [self._whole(messages, seeded) for seeded in seeds]
        return merged([numbered(whole, index) for index, whole in enumerate(wholes)])

    async def _whole(
        self, messages: Sequence[Message], decoding: Decoding
    ) -> AsyncGenerator[Delta | Whole, None]:
        completion = await self.complete(messages, decoding)
        yield Delta(0, completion.text)
        yield Whole(0, completion)

    async def probability(
        self, messages: Sequence[Message], answer: str, other: str, decoding: Decoding
    ) -> float | None:
        """Return None: a service has no adapter of ours that could judge."""
        return None

    async def warm(self, messages: Sequence[Message], adapter_scale: float = 0.0) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Do nothing."""
