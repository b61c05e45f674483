"""``fencun eval probe``: every arm is asked more, by a plan that the study fixes; resumable."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal

import yaml
from pydantic import Field

from fencun.brief import Brief
from fencun.errors import FencunError, RecordError
from fencun.evaluate.answering import (
    PARALLEL,
    Asker,
    Opener,
    default_opener,
    engines_needed,
    pinned,
)
from fencun.evaluate.arms import messages_for
from fencun.evaluate.briefs import spread
from fencun.evaluate.records import Answer
from fencun.evaluate.study import Study, partial
from fencun.evaluate.variants import VARIANTS, vary
from fencun.files import Appender, read_jsonl, sha256_json, write_jsonl
from fencun.models.engine import Message
from fencun.records import Seed
from fencun.scenario import Declared

PROBES = "probes.jsonl"
SHIPPED = Path(__file__).with_name("probes.yaml")
_DETAIL_CHARS = 10  # a brief shorter than this has nothing to mistype

Size = Literal["quick", "usual", "full"]


class Amount(Declared):
    """How much is asked of an arm."""

    seeds: Annotated[int, Field(ge=2)]
    stable: Annotated[int, Field(ge=3)]
    drift: Annotated[int, Field(ge=1)]
    canary: Annotated[int, Field(ge=1)]


class Everyday(Declared):
    """A question of the canary and the regular expression that a right answer holds."""

    ask: str
    accept: str


class Probes(Declared):
    """What may be asked, as declared in probes.yaml."""

    sizes: dict[Size, Amount]
    canary: tuple[Everyday, ...]


class ProbeAnswer(Answer):
    """An answer to a probe: ``probe`` is ``seeds``, ``canary`` or the name of a variant."""

    probe: str

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What is asked once only."""
        return self.arm, self.probe, self.brief, self.seed


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to ask of an arm; ``brief`` is the id of a test brief or ``canary-N``."""

    arm: str
    probe: str
    brief: str
    seed: int

    @property
    def key(self) -> tuple[str, str, str, int]:
        """As :attr:`ProbeAnswer.key`."""
        return self.arm, self.probe, self.brief, self.seed


@cache
def declared() -> Probes:
    """Return what the product ships."""
    return Probes.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


def parse_size(name: str) -> Size:
    """Return the size called ``name``.

    Raises:
        FencunError: there is none; names those there are.
    """
    for size in declared().sizes:
        if size == name:
            return size
    raise FencunError(
        f"没有“{name[:24]}”这个规模；可选：{'、'.join(declared().sizes)}。",
        f"There is no size {name[:24]!r}; choose from {', '.join(declared().sizes)}.",
    )


def plan(study: Study, size: Size) -> list[Ask]:
    """Return what every arm with a model will be asked; a larger size begins with a smaller's."""
    amount = declared().sizes[size]
    start = study.registration.seed
    samples = study.briefs()
    detail = study.scenario.role("detail")
    enough = [s for s in samples if not detail or len(s.brief[detail.name]) >= _DETAIL_CHARS]
    chosen = [s.id for s in spread(study.scenario, enough or samples, amount.drift)]
    place = {sample.id: number for number, sample in enumerate(samples)}
    asks = []
    for arm in study.registration.arms:
        if arm.style == "file":
            continue
        for brief in chosen[: amount.stable]:
            asks += [Ask(arm.name, "seeds", brief, start + n) for n in range(amount.seeds)]
        # The seed is the one of the frozen answer, so that only the request differs.
        asks += [
            Ask(arm.name, variant, brief, start + place[brief])
            for brief in chosen
            for variant in VARIANTS
        ]
    for voice in _voices(study):
        asks += [Ask(voice, "canary", f"canary-{n}", start) for n in range(amount.canary)]
    return asks


def _voices(study: Study) -> list[str]:
    """One arm for every model and adapter: everyday questions come without any arm's prompt."""
    first: dict[tuple[str | None, str | None], str] = {}
    for arm in study.registration.arms:
        if arm.style != "file":
            first.setdefault((arm.model, arm.adapter), arm.name)
    return list(first.values())


def minutes(study: Study, asks: Sequence[Ask]) -> float:
    """Return how long ``asks`` will take, going by how long the frozen answers took."""
    spent: dict[str, list[float]] = {}
    for answer in study.answers():
        spent.setdefault(answer.arm, []).append(answer.seconds)
    each = {arm: fmean(seconds) / PARALLEL for arm, seconds in spent.items()}
    return sum(each.get(ask.arm, 0.0) for ask in asks) / 60


def probe_answers(study: Study) -> list[ProbeAnswer]:
    """Return what was answered so far, in this run or an earlier one."""
    found: dict[tuple[str, str, str, int], ProbeAnswer] = {}
    for name in (PROBES, partial(PROBES)):
        path = study.folder / name
        for line, row in read_jsonl(path) if path.exists() else ():
            if isinstance(row, RecordError):
                raise row
            answer = ProbeAnswer.from_row(row, line)
            found[answer.key] = answer
    return list(found.values())


async def probe_all(
    study: Study,
    seeds: list[Seed],
    size: Size,
    *,
    progress: Callable[[Answer, int, int], None] = lambda _answer, _done, _all: None,
    opener: Opener | None = None,
    parallel: int = PARALLEL,
) -> list[ProbeAnswer]:
    """Ask every arm what :func:`plan` says, freeze the answers in the folder, return them.

    Raises:
        FencunError: the study is unfinished, or a model or adapter is not the one it froze.
    """
    study.check()
    asks = plan(study, size)
    known = {answer.key: answer for answer in probe_answers(study) if not answer.failed}
    todo = [ask for ask in asks if ask.key not in known]
    if todo:
        _same_voices(study, seeds)
        with Appender(study.folder / partial(PROBES)) as journal:

            def done(answer: ProbeAnswer) -> None:
                journal.write(answer.model_dump(mode="json"))
                known[answer.key] = answer
                progress(answer, len(asks) - len(todo) + len(asked), len(asks))

            asked: set[Ask] = set()
            await _ask_all(study, seeds, todo, asked, done, opener, parallel)
    order = {ask.key: number for number, ask in enumerate(asks)}
    answers = sorted(known.values(), key=lambda a: (order.get(a.key, len(order)), a.key))
    write_jsonl(study.folder / PROBES, (answer.model_dump(mode="json") for answer in answers))
    (study.folder / partial(PROBES)).unlink(missing_ok=True)
    return [answer for answer in answers if answer.key in order]


def _same_voices(study: Study, seeds: list[Seed]) -> None:
    """What is probed must be what was voted on."""
    now = pinned(study.registration.arms, study.scenario, seeds)
    for arm, hashes in study.registration.hashes.items():
        for what in ("model", "adapter"):
            if hashes.get(what, "") != now.get(arm, {}).get(what, ""):
                part = "底座" if what == "model" else "适配器"
                raise FencunError(
                    f"对照组 {arm} 的{part}已经不是答题时的那个，"
                    "探针测的会是另一个东西；请换回来，或重新做一个实验。",
                    f"The {what} of arm {arm} is not the one that answered; put it back, "
                    "or make a new study.",
                )


async def _ask_all(
    study: Study,
    seeds: list[Seed],
    todo: Sequence[Ask],
    asked: set[Ask],
    done: Callable[[ProbeAnswer], None],
    opener: Opener | None,
    parallel: int,
) -> None:
    briefs = study.parsed_briefs()
    turn = asyncio.Semaphore(parallel)

    async def one(asker: Asker, ask: Ask) -> None:
        async with turn:
            answer = await _asked(asker, ask, briefs)
            asked.add(ask)
            done(ProbeAnswer(probe=ask.probe, **answer.model_dump()))

    for group in engines_needed(study.registration.arms, study.scenario):
        waiting = {arm.name: list(_of(todo, arm.name)) for arm in group.arms}
        if not any(waiting.values()):
            continue
        async with group.opened(opener or default_opener(parallel)) as engine:
            for arm in group.arms:
                asker = Asker(study, arm, engine, group.adapters[arm.name], seeds)
                async with asyncio.TaskGroup() as tasks:
                    for ask in waiting[arm.name]:
                        tasks.create_task(one(asker, ask))


def _of(asks: Sequence[Ask], arm: str) -> Iterator[Ask]:
    return (ask for ask in asks if ask.arm == arm)


async def _asked(asker: Asker, ask: Ask, briefs: Mapping[str, Brief]) -> Answer:
    if ask.probe == "canary":
        question = declared().canary[int(ask.brief.removeprefix("canary-"))].ask
        chat: list[Message] = [{"role": "user", "content": question}]
        return await asker.say(ask.brief, chat, ask.seed)
    plain = briefs[ask.brief]
    if ask.probe == "seeds":
        return await asker.ask(ask.brief, plain, ask.seed, logprobs=True)
    varied = vary(ask.probe, ask.brief, plain)
    shown = asker.examples(varied)
    # Only the question is put differently; what stands before it stays the arm's own.
    chat = [*messages_for(asker.arm, plain, shown)[:-1], messages_for(asker.arm, varied)[-1]]
    return await asker.say(
        ask.brief,
        chat,
        ask.seed,
        prefix=sha256_json(messages_for(asker.arm, plain)[:-1]),
        examples=tuple(example.id for example in shown),
    )
