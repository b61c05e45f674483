"""Every arm answers every test brief, once; a run that was killed goes on where it was."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fencun.adapter import Adapter
from fencun.brief import Brief
from fencun.errors import EngineError, FencunError, RecordError
from fencun.evaluate.arms import ArmSpec, adapter_of, told
from fencun.evaluate.records import Answer
from fencun.evaluate.retrieval import Retriever
from fencun.evaluate.study import Study, decoding_of
from fencun.files import read_jsonl, sha256_file, sha256_json
from fencun.models.ending import flaw
from fencun.models.engine import Engine, Message
from fencun.models.installed import locate
from fencun.models.open import open_engine
from fencun.records import Seed
from fencun.scenario import Scenario
from fencun.writer import tidy

_SAVE_EVERY_S = 1.0
_ATTEMPTS = 2
_NO_ANSWER = frozenset({"content_filter", "tool_calls", "broken"})
PARALLEL = 4

Opener = Callable[[str | None, Path | None], Engine]
Progress = Callable[[Answer, int, int], None]


@dataclass(slots=True)
class Journal:
    """Answers so far, on disk within a second: one line for an arm and a brief, ever."""

    study: Study
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    prefixes: dict[str, list[Message]] = field(default_factory=dict)
    saved_at: float = 0.0

    def add(self, answer: Answer) -> None:
        """Keep ``answer``; written out at once if the last writing is a second ago."""
        self.answers[answer.arm, answer.brief] = answer
        if time.monotonic() - self.saved_at >= _SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Write all answers so far."""
        self.study.save_answers(self.answers.values())
        self.saved_at = time.monotonic()


async def answer_all(
    study: Study,
    seeds: list[Seed],
    *,
    progress: Progress = lambda _answer, _done, _all: None,
    opener: Opener | None = None,
    parallel: int = PARALLEL,
) -> None:
    """Let every arm answer every brief of ``study``, then freeze the answers.

    What an earlier run answered is kept; what failed in it is asked again. ``seeds`` are
    what the rag arm may retrieve from. An answer that cannot be had is recorded as failed.

    Raises:
        FencunError: a model, an adapter or a file of human lines is not there.
    """
    if study.frozen:
        return
    known = {(a.arm, a.brief): a for a in study.answers() if not a.failed}
    journal = Journal(study, known)
    briefs = study.parsed_briefs()
    total = len(briefs) * len(study.arms)
    scenario = study.scenario

    def done(answer: Answer) -> None:
        journal.add(answer)
        progress(answer, len(journal.answers), total)

    try:
        for group in engines_needed(study.registration.arms, scenario):
            async with group.opened(opener or default_opener(parallel)) as engine:
                for arm in group.arms:
                    open_briefs = {k: b for k, b in briefs.items() if (arm.name, k) not in known}
                    asker = Asker(study, arm, engine, group.adapters[arm.name], seeds)
                    _note_prefix(journal, asker, briefs)
                    await _ask_all(asker, open_briefs, done, parallel)
        for arm in study.registration.arms:
            if arm.style == "file":
                for answer in human_answers(arm, briefs):
                    done(answer)
    finally:
        journal.save()
    study.freeze(journal.answers.values(), journal.prefixes)


async def _ask_all(
    asker: "Asker", briefs: Mapping[str, Brief], done: Callable[[Answer], None], parallel: int
) -> None:
    turn = asyncio.Semaphore(parallel)
    order = {brief: number for number, brief in enumerate(asker.study.parsed_briefs())}

    async def one(identity: str, brief: Brief) -> None:
        async with turn:
            done(await asker.ask(identity, brief, asker.study.registration.seed + order[identity]))

    async with asyncio.TaskGroup() as group:
        for identity, brief in briefs.items():
            group.create_task(one(identity, brief))


class Asker:
    """One arm of a study on an open engine."""

    def __init__(
        self,
        study: Study,
        arm: ArmSpec,
        engine: Engine,
        adapter: Adapter | None,
        seeds: list[Seed],
    ) -> None:
        self.study = study
        self.arm = arm
        self.engine = engine
        self.scale = adapter.scale if adapter else 0.0
        self.hashes = study.registration.hashes.get(arm.name, {})
        self._seeds = seeds
        self._retriever: Retriever | None = None

    def examples(self, brief: Brief) -> list[Seed]:
        """Return what the rag arm is shown beside ``brief``; nothing for other arms."""
        if self.arm.style != "rag":
            return []
        self._retriever = self._retriever or Retriever(self.study.scenario, self._seeds)
        return self._retriever.nearest(brief, self.arm.examples)

    async def ask(
        self, identity: str, brief: Brief, seed: int, *, logprobs: bool = False
    ) -> Answer:
        """Return the arm's answer, tried twice; a failure is an answer without text."""
        examples = self.examples(brief)
        return await self.say(
            identity,
            told(self.arm, brief, examples),
            seed,
            prefix=sha256_json(told(self.arm, brief)[:-1]),
            examples=tuple(example.id for example in examples),
            logprobs=logprobs,
        )

    async def say(
        self,
        identity: str,
        messages: list[Message],
        seed: int,
        *,
        prefix: str = "",
        examples: tuple[str, ...] = (),
        logprobs: bool = False,
    ) -> Answer:
        """Return what the arm's model answers to ``messages`` whole, whatever they ask."""
        common: dict[str, Any] = {
            "brief": identity,
            "arm": self.arm.name,
            "engine": self.engine.name,
            "model": self.hashes.get("model", ""),
            "adapter": self.hashes.get("adapter", ""),
            "prompt": sha256_json(messages),
            "prefix": prefix,
            "examples": examples,
            "user": messages[-1]["content"],
            "seed": seed,
        }
        decoding = decoding_of(self.study.registration.decoding, self.scale, seed)
        decoding = replace(decoding, logprobs=logprobs)
        error = ""
        for _ in range(_ATTEMPTS):
            start = time.monotonic()
            try:
                whole = await self.engine.complete(messages, decoding)
            except EngineError as failure:
                error = str(failure)
                continue
            ending = flaw(whole)
            failed = ending is not None and (not whole.text.strip() or whole.finish in _NO_ANSWER)
            return Answer(
                **common,
                text="" if failed else tidy(whole.text)[:4000],
                error=ending.zh if failed and ending else "",
                finish="" if whole.finish in (*_NO_ANSWER, "untold") else whole.finish,
                prompt_tokens=whole.prompt_tokens,
                completion_tokens=whole.completion_tokens,
                mean_logprob=whole.mean_logprob,
                seconds=round(time.monotonic() - start, 3),
            )
        return Answer(**common, error=error)


@dataclass(frozen=True, slots=True)
class EngineGroup:
    """Arms that share one loaded model, and the adapter each of them speaks with."""

    model: str | None
    adapter: Adapter | None
    arms: tuple[ArmSpec, ...]
    adapters: Mapping[str, Adapter | None]

    @asynccontextmanager
    async def opened(self, opener: Opener) -> AsyncIterator[Engine]:
        """Yield the engine; it is let go at the end."""
        engine = opener(self.model, self.adapter.gguf if self.adapter else None)
        try:
            yield engine
        finally:
            await engine.aclose()


def engines_needed(arms: tuple[ArmSpec, ...], scenario: Scenario) -> list[EngineGroup]:
    """Return the fewest engines: arms without adapter ride on the one that has an adapter.

    Raises:
        FencunError: an adapter is not there.
    """
    by_engine: dict[tuple[str | None, Path | None], list[ArmSpec]] = {}
    adapters: dict[str, Adapter | None] = {}
    for arm in (arm for arm in arms if arm.style != "file"):
        adapter = adapters[arm.name] = adapter_of(arm, scenario)
        model = arm.model or (adapter.base if adapter else _base_of(arms, scenario))
        by_engine.setdefault((model, adapter.folder if adapter else None), []).append(arm)
    for (model, folder), riders in list(by_engine.items()):
        host = next((key for key in by_engine if key[0] == model and key[1]), None)
        if folder is None and host:
            by_engine[host] = riders + by_engine[host]
            del by_engine[model, folder]
    return [
        EngineGroup(model, adapters[group[-1].name], tuple(group), adapters)
        for (model, _), group in by_engine.items()
    ]


def _base_of(arms: tuple[ArmSpec, ...], scenario: Scenario) -> str | None:
    """The base that the tuned arm stands on: what it must be compared with."""
    for arm in arms:
        if arm.role == "tuned" and (adapter := adapter_of(arm, scenario)):
            return arm.model or adapter.base
    return None


def pinned(
    arms: tuple[ArmSpec, ...], scenario: Scenario, seeds: list[Seed]
) -> dict[str, dict[str, str]]:
    """Return the hashes of what each arm stands on: model file, adapter, retrieval base, lines.

    Raises:
        FencunError: a file is not there.
    """
    hashes: dict[str, dict[str, str]] = {arm.name: {} for arm in arms}
    cache: dict[str | None, str] = {}
    for group in engines_needed(arms, scenario):
        if group.model not in cache:
            cache[group.model] = _model_hash(group.model)
        for arm in group.arms:
            hashes[arm.name]["model"] = cache[group.model]
            adapter = group.adapters[arm.name]
            if adapter:
                hashes[arm.name]["adapter"] = sha256_file(adapter.gguf)
            if arm.style == "rag":
                hashes[arm.name]["seeds"] = sha256_json([seed.content_hash for seed in seeds])
    for arm in arms:
        if arm.file:
            if not Path(arm.file).is_file():
                raise FencunError(
                    f"对照组 {arm.name} 的文件不在：{arm.file}。",
                    f"The file of arm {arm.name} is not there: {arm.file}.",
                )
            hashes[arm.name]["file"] = sha256_file(Path(arm.file))
    return hashes


def _model_hash(model: str | None) -> str:
    """Return the hash of a model file; of an endpoint only its name can be pinned."""
    if model and model.startswith(("http://", "https://")):
        return ""
    return sha256_file(locate(model).path)


def human_answers(arm: ArmSpec, briefs: Mapping[str, Brief]) -> list[Answer]:
    """Return the lines people wrote; a brief without one counts as failed.

    Raises:
        FencunError: the file is malformed or answers a brief that is not asked.
    """
    texts: dict[str, str] = {}
    for line, row in read_jsonl(Path(arm.file or "")):
        if isinstance(row, RecordError):
            raise row
        identity, text = row.get("brief"), row.get("text")
        if not isinstance(text, str) or identity not in briefs:
            raise FencunError(
                f"{arm.file} 第 {line} 行要有 brief（这次实验的需求编号）和 text。",
                f"{arm.file}, line {line}: needs brief (an id of this study) and text.",
            )
        texts[str(identity)] = text.strip()[:4000]
    return [
        Answer(
            brief=identity,
            arm=arm.name,
            text=texts.get(identity, ""),
            error="" if texts.get(identity) else "没有写",
            engine="people",
        )
        for identity in briefs
    ]


def _note_prefix(journal: Journal, asker: Asker, briefs: Mapping[str, Brief]) -> None:
    """Keep once what is the same for every brief of an arm."""
    prefix = told(asker.arm, next(iter(briefs.values())))[:-1]
    journal.prefixes[sha256_json(prefix)] = prefix


def default_opener(parallel: int) -> Opener:
    """Return what opens real engines that answer ``parallel`` requests at once."""

    def opened(model: str | None, adapter: Path | None) -> Engine:
        return open_engine(model, adapters=[adapter] if adapter else [], parallel=parallel)

    return opened
