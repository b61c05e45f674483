"""Every arm answers every test brief, once; a run that was killed goes on where it was."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fencun.adapter import Adapter
from fencun.brief import Brief
from fencun.errors import EngineError, FencunError, RecordError
from fencun.evaluate.arms import ArmSpec, adapter_of, messages_for
from fencun.evaluate.records import Answer
from fencun.evaluate.registration import decoding_of
from fencun.evaluate.study import Study
from fencun.files import read_jsonl, sha256_file, sha256_json
from fencun.models.batchfile import WaitingError
from fencun.models.ending import flaw
from fencun.models.engine import Engine, Message
from fencun.models.installed import locate
from fencun.models.open import in_use, is_endpoint, open_engine
from fencun.records import Seed
from fencun.retrieval import Example, Retriever, lines_of, open_retriever
from fencun.scenario import Scenario, flag
from fencun.writer import tidy

_SAVE_EVERY_S = 1.0
_ATTEMPTS = 2
_NO_ANSWER = frozenset({"content_filter", "tool_calls", "broken"})
PARALLEL = 4

Opener = Callable[[str | None, Path | None], Engine]
Progress = Callable[[Answer, int, int], None]


@dataclass(slots=True)
class Journal:
    """Answers so far, on disk within a second: one line for an arm, a brief and a draw, ever."""

    study: Study
    answers: dict[tuple[str, str, int], Answer] = field(default_factory=dict)
    prefixes: dict[str, list[Message]] = field(default_factory=dict)
    saved_at: float = 0.0

    def add(self, answer: Answer) -> None:
        """Keep ``answer``; written out at once if the last writing is a second ago."""
        self.answers[answer.arm, answer.brief, answer.draw] = answer
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
    incomplete: bool = False,
) -> None:
    """Let every arm answer every brief of ``study``, then freeze the answers.

    Where some are still to come by way of a Batch service nothing is frozen yet.

    What an earlier run answered is kept; what failed in it is asked again. ``seeds`` are
    what the rag arm may retrieve from. An answer that cannot be had is recorded as failed, and
    a study with such answers is frozen only where ``incomplete`` says so.

    Raises:
        FencunError: a model, an adapter or a file of human lines is not there, or answers could
            not be had; says which, and how to go on.
    """
    if study.frozen:
        return
    known = {(a.arm, a.brief, a.draw): a for a in study.answers() if not a.failed}
    journal = Journal(study, known)
    briefs, draws = study.parsed_briefs(), study.registration.draws
    total = len(briefs) * draws * len(study.arms)
    scenario = study.scenario

    def done(answer: Answer) -> None:
        journal.add(answer)
        progress(answer, len(journal.answers), total)

    try:
        for group in engines_needed(study.registration.arms, scenario):
            async with group.opened(opener or default_opener(parallel)) as engine:
                for arm in group.arms:
                    waiting = [
                        (brief, draw)
                        for draw in range(draws)
                        for brief in briefs
                        if (arm.name, brief, draw) not in known
                    ]
                    asker = Asker(study, arm, engine, group.adapters[arm.name], seeds)
                    _note_prefix(journal, asker, briefs)
                    await _ask_all(asker, waiting, done, parallel)
        for arm in study.registration.arms:
            if arm.style == "file":
                for answer in human_answers(arm, briefs, draws):
                    done(answer)
    finally:
        journal.save()
    if len(journal.answers) < total:
        return
    failed = [answer for answer in journal.answers.values() if answer.failed]
    if failed and not incomplete:
        raise _unanswered(study, failed)
    study.freeze(journal.answers.values(), journal.prefixes)


def _unanswered(study: Study, failed: list[Answer]) -> FencunError:
    """Say which arms could not answer how many briefs, the first reason, and what may be done."""
    counts = Counter(answer.arm for answer in failed)
    arms_zh = "、".join(f"{arm} {count} 条" for arm, count in counts.items())
    arms_en = ", ".join(f"{arm} {count}" for arm, count in counts.items())
    why = failed[0].error.rstrip("。.")[:200]
    return FencunError(
        f"没有答全：{arms_zh}（{failed[0].brief}：{why}）。实验“{study.name}”还没有冻结；"
        "同一条命令再运行一次，只问这些；就这样冻结，加 --incomplete。",
        f"Not all was answered: {arms_en} ({failed[0].brief}: {why}). Study {study.name!r} is not "
        "frozen; the same command asks these again, --incomplete freezes it as it is.",
    )


async def _ask_all(
    asker: "Asker",
    waiting: Iterable[tuple[str, int]],
    done: Callable[[Answer], None],
    parallel: int,
) -> None:
    """Ask for each (brief, draw) of ``waiting``; every draw of every brief has its own seed."""
    turn = asyncio.Semaphore(parallel)
    briefs, start = asker.study.parsed_briefs(), asker.study.registration.seed
    order = {brief: number for number, brief in enumerate(briefs)}

    async def one(brief: str, draw: int) -> None:
        async with turn:
            seed = start + order[brief] + draw * len(briefs)
            with suppress(WaitingError):
                answer = await asker.ask(brief, briefs[brief], seed)
                done(answer.model_copy(update={"draw": draw}))

    async with asyncio.TaskGroup() as group:
        for brief, draw in waiting:
            group.create_task(one(brief, draw))


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

    def examples(self, brief: Brief) -> list[Example]:
        """Return the written lines that the arm is shown beside ``brief``, the nearest first."""
        if self.arm.style not in ("rag", "edit"):
            return []
        self._retriever = self._retriever or self._open_retriever()
        return self._retriever.nearest(brief, self.arm.examples)

    def _open_retriever(self) -> Retriever:
        """Return what retrieves: seeds for ``rag``, for ``edit`` the lines that are served."""
        scenario = self.study.scenario
        found = open_retriever(scenario) if self.arm.style == "edit" else None
        seeds = [Example(s.id, s.id, s.brief, s.text) for s in self._seeds]
        found = found or Retriever(scenario, seeds)
        if not len(found):
            named = flag(scenario.folder)
            raise FencunError(
                f"对照组 {self.arm.name} 没有可检索的范例；先运行 fencun data build{named}。",
                f"Arm {self.arm.name} has no lines to retrieve: fencun data build{named}.",
            )
        return found

    async def ask(
        self, identity: str, brief: Brief, seed: int, *, logprobs: bool = False
    ) -> Answer:
        """Return the arm's answer, tried twice; a failure is an answer without text."""
        examples = self.examples(brief)
        return await self.say(
            identity,
            messages_for(self.arm, brief, examples),
            seed,
            prefix=sha256_json(messages_for(self.arm, brief)[:-1]),
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
            if arm.style == "edit":
                files = zip(("lines", "shown"), lines_of(scenario), strict=False)
                hashes[arm.name] |= {name: sha256_file(file) for name, file in files}
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
    model = in_use(model)
    if is_endpoint(model):
        return ""
    return sha256_file(locate(model).path)


def human_answers(arm: ArmSpec, briefs: Mapping[str, Brief], draws: int = 1) -> list[Answer]:
    """Return the lines people wrote, the same for every draw; a brief without one has failed.

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
            draw=draw,
            text=texts.get(identity, ""),
            error="" if texts.get(identity) else "没有写",
            engine="people",
        )
        for draw in range(draws)
        for identity in briefs
    ]


def _note_prefix(journal: Journal, asker: Asker, briefs: Mapping[str, Brief]) -> None:
    """Keep once what is the same for every brief of an arm."""
    prefix = messages_for(asker.arm, next(iter(briefs.values())))[:-1]
    journal.prefixes[sha256_json(prefix)] = prefix


def default_opener(parallel: int) -> Opener:
    """Return what opens real engines that answer ``parallel`` requests at once."""

    def opened(model: str | None, adapter: Path | None) -> Engine:
        return open_engine(model, adapters=[adapter] if adapter else [], parallel=parallel)

    return opened
