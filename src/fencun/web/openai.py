"""``/v1/models`` and ``/v1/chat/completions``, as OpenAI's own client speaks them."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request, Response
from starlette.responses import JSONResponse

from fencun.models.ending import flaw
from fencun.models.engine import Completion, Decoding, Delta, Whole
from fencun.models.wire import thoughts_told
from fencun.prompt import Arm
from fencun.store import writings
from fencun.web import chat, sse
from fencun.web.access import Spends, router_for
from fencun.web.caller import Visitor
from fencun.web.disconnect import unless_gone
from fencun.web.errors import openai_body
from fencun.web.served import ServedDep
from fencun.web.studio import SEEDS, Studio
from fencun.writer import Writing

router = router_for("write", prefix="/v1", tags=["OpenAI"])
_STARTED = int(time.time())


@dataclass(frozen=True, slots=True)
class ChatJob:
    """A chat request, understood: ``n`` answers with the seeds from ``decoding.seed`` on."""

    id: str
    model: str
    created: int
    asked: dict[str, str]
    brief: Any
    arm: Arm
    decoding: Decoding
    n: int
    stream: bool
    owner: str
    include_usage: bool


@router.get("/models", summary="模型")
def models(served: ServedDep) -> dict[str, Any]:
    """List the models: one for each arm of each scenario."""
    found = [_model(studio, arm) for studio in served.studios() for arm in studio.arms]
    return {"object": "list", "data": found}


@router.get("/models/{name:path}", summary="一个模型")
def model(name: str, served: ServedDep) -> dict[str, Any]:
    """Return one model."""
    return _model(*chat.parse_model(served.studios(), name))


@router.head("/models", include_in_schema=False)
@router.head("/models/{name:path}", include_in_schema=False)
def model_head(served: ServedDep, name: str = "") -> Response:
    """Say whether the models, or one, are there; without a body."""
    if name:
        chat.parse_model(served.studios(), name)
    return Response(media_type="application/json")


@router.options("/{path:path}", include_in_schema=False)
async def options(path: str) -> Response:
    """Say which methods an address takes. Other sites' pages are not let in by this."""
    takes = "POST" if path.rstrip("/") == "chat/completions" else "GET, HEAD"
    return Response(status_code=204, headers={"Allow": f"{takes}, OPTIONS"})


@router.post("/chat/completions", summary="写", dependencies=[Spends])
async def completions(
    request: Request, body: chat.ChatRequest, served: ServedDep, owner: Visitor
) -> Response:
    """Answer a brief told as lines (`称呼：王老师` …) or as JSON, once or as a stream."""
    body.refuse_unknown()
    studio, arm = await asyncio.to_thread(chat.parse_model, served.studios(), body.model)
    asked, brief = chat.parse_messages(studio.scenario, body.messages)
    seed = secrets.randbelow(SEEDS) if body.seed is None else body.seed
    job = ChatJob(
        id=f"chatcmpl-{secrets.token_hex(12)}",
        model=body.model,
        created=int(time.time()),
        asked=asked,
        brief=brief,
        arm=arm,
        decoding=replace(chat.decoding(studio, brief, arm, body), seed=seed),
        n=body.n or 1,
        owner=owner,
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
    )
    if job.stream:
        return await sse.opened(
            request, _chunks(studio, job), lambda error: sse.encode(openai_body(error))
        )
    whole = await unless_gone(request, _all(studio, job))
    if whole is None:
        return Response(status_code=499)
    return JSONResponse(_completion(job, whole))


async def _all(studio: Studio, job: ChatJob) -> list[Completion]:
    whole: dict[int, Completion] = {}
    async with aclosing(_answers(studio, job)) as events:
        async for event in events:
            if isinstance(event, Whole):
                whole[event.index] = event.completion
    return [whole[index] for index in range(job.n)]


async def _chunks(studio: Studio, job: ChatJob) -> AsyncGenerator[bytes, None]:
    whole: list[Completion] = []
    begun: set[int] = set()
    async with aclosing(_answers(studio, job)) as events:
        async for event in events:
            if event.index not in begun:
                begun.add(event.index)
                yield _chunk(job, event.index, {"role": "assistant", "content": ""})
            if isinstance(event, Delta):
                yield _chunk(job, event.index, {"content": event.text})
            else:
                whole.append(event.completion)
                yield _chunk(job, event.index, {}, _finish_reason(event.completion))
    if job.include_usage:
        yield sse.encode(
            {**_head(job, "chat.completion.chunk"), "choices": [], "usage": chat.usage(whole)}
        )
    yield sse.encode("[DONE]")


async def _answers(studio: Studio, job: ChatJob) -> AsyncGenerator[Delta | Whole, None]:
    """Wait for a turn, draw all answers, keep them; raises what the engine raises."""
    told = studio.writer.prompts(job.brief, job.arm, 1)[0].chat
    whole: dict[int, Completion] = {}
    said: dict[int, str] = dict.fromkeys(range(job.n), "")
    async with studio.turn(job.brief, job.owner) as place:
        async for _ in place.positions():
            pass
        answers = studio.writer.engine.stream_many(told, job.decoding, job.n)
        async with aclosing(answers):
            async for event in answers:
                if isinstance(event, Delta):
                    said[event.index] += event.text
                else:
                    _refuse_flawed(job, event.completion, said[event.index])
                    whole[event.index] = event.completion
                yield event
    await _keep(studio, job, [whole[index] for index in range(job.n)])


def _refuse_flawed(job: ChatJob, completion: Completion, said: str) -> None:
    """Raise where there is no text, or no ``finish_reason`` that could tell what is wrong."""
    if job.stream and said != completion.text:
        raise thoughts_told()
    ending = flaw(completion)
    if ending and (not completion.text.strip() or completion.finish in ("tool_calls", "broken")):
        raise ending.error()


async def _keep(studio: Studio, job: ChatJob, whole: list[Completion]) -> None:
    seed = job.decoding.seed
    found = [
        studio.writer.judge(job.brief, completion, seed + index)
        for index, completion in enumerate(whole)
    ]
    for candidate, completion in zip(found, whole, strict=True):
        studio.metrics.drew(job.arm, candidate.findings, completion)
    writing = Writing(job.brief, job.arm, studio.writer.engine.name, seed, tuple(found), len(found))
    row = writings.writing_row(
        writing, asked=job.asked, decoding=job.decoding, adapter=studio.writer.adapter,
        source="openai", owner=job.owner,
    )  # fmt: skip
    await studio.store.awrite(lambda session: session.add(row))


def _finish_reason(completion: Completion) -> str:
    """Return how an answer ended in OpenAI's words, which know no "untold"."""
    return "stop" if completion.finish == "untold" else completion.finish


def _model(studio: Studio, arm: Arm) -> dict[str, Any]:
    return {
        "id": chat.model_id(studio.scenario, arm),
        "object": "model",
        "created": _STARTED,
        "owned_by": studio.writer.engine.name,
    }


def _head(job: ChatJob, kind: str) -> dict[str, Any]:
    return {"id": job.id, "object": kind, "created": job.created, "model": job.model}


def _chunk(job: ChatJob, index: int, delta: dict[str, str], finish: str | None = None) -> bytes:
    """Encode a chunk; where usage was asked for, all but the last say null, as OpenAI's do."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    usage = {"usage": None} if job.include_usage else {}
    return sse.encode({**_head(job, "chat.completion.chunk"), "choices": [choice], **usage})


def _completion(job: ChatJob, whole: list[Completion]) -> dict[str, Any]:
    return {
        **_head(job, "chat.completion"),
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": completion.text, "refusal": None},
                "logprobs": None,
                "finish_reason": _finish_reason(completion),
            }
            for index, completion in enumerate(whole)
        ],
        "usage": chat.usage(whole),
    }
