"""``fencun eval judge``: a machine reads every pair of a study, for screening; resumable.

An endpoint or a model is asked which of two texts it would rather send, in both orders, since
judges lean to one side (Zheng et al. 2023, arXiv 2306.05685). The shipped verifier reads each
text alone, so that order cannot matter. What they say are no votes: screening.py holds it
against people's, and no verdict knows of it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import Field

from fencun.adapter import VERIFIER, shipped_adapter
from fencun.brief import Brief
from fencun.errors import EngineError, FencunError, RecordError
from fencun.evaluate.answering import PARALLEL, Opener, default_opener
from fencun.evaluate.records import Row
from fencun.evaluate.study import Study
from fencun.files import Appender, read_jsonl
from fencun.models.engine import Decoding, Engine, Message
from fencun.models.open import in_use, is_endpoint
from fencun.records import Id
from fencun.verifier import Verifier

JUDGED = "judged.jsonl"
_DECODING = Decoding(temperature=0.0, max_tokens=512)
_NAMED = re.compile(r"(?<![A-Za-z])[ABCD](?![A-Za-z])")  # a letter of its own, not one of a word
_FIRST = re.compile(r"\W*([ABCD])(?=[^\w\s]|\n|$)")
_WORTH = {"A": 1.0, "B": 0.0, "C": 0.5, "D": 0.5}

Ask = tuple[str, str, str, int]  # brief, the two arms as the study orders them, draw
Tell = Callable[[str, int, int], None]


class MachineJudgement(Row):
    """What ``judge`` held of the texts of two arms for one brief.

    ``score`` is how far the text of ``low`` is preferred, 0 to 1; ``steady`` whether both
    orders gave the same (always so for a verifier, which reads one text at a time).
    """

    judge: str
    brief: Id
    low: Id
    high: Id
    draw: int = Field(default=0, ge=0)
    score: float = Field(ge=0, le=1)
    steady: bool

    @property
    def ask(self) -> Ask:
        """What was asked."""
        return self.brief, self.low, self.high, self.draw


@dataclass(frozen=True, slots=True)
class TextPair:
    """Two texts for one brief."""

    ask: Ask
    brief: Brief
    low: str
    high: str


def judgements(study: Study) -> list[MachineJudgement]:
    """Return what judges said of ``study`` so far.

    Raises:
        RecordError: a line cannot be read; names the file and the line.
    """
    path, found = study.folder / JUDGED, []
    for line, row in read_jsonl(path) if path.exists() else ():
        if isinstance(row, RecordError):
            raise RecordError(f"{path}：{row.zh}", f"{path}: {row.en}", line=line)
        found.append(MachineJudgement.from_row(row, line))
    return found


def to_judge(study: Study) -> list[TextPair]:
    """Return every pair of texts of ``study`` that differ: what people may be asked, and all of it.

    Raises:
        FencunError: the answers are not frozen, or were changed.
    """
    study.check()
    briefs, arms, texts = study.parsed_briefs(), study.arms, study.texts()
    return [
        TextPair((identity, arms[a], arms[b], draw), brief, one, other)
        for number, (identity, brief) in enumerate(briefs.items())
        for a in range(len(arms))
        for b in range(a + 1, len(arms))
        for draw, (one, other) in enumerate(zip(texts[a][number], texts[b][number], strict=True))
        if one and other and one != other
    ]


async def judge_all(
    study: Study,
    model: str | None = None,
    *,
    tell: Tell = lambda _judge, _done, _all: None,
    opener: Opener | None = None,
    parallel: int = PARALLEL,
) -> list[MachineJudgement]:
    """Let a judge read every pair of ``study``, go on where it was, and return all it said.

    ``model`` is anything :func:`fencun.models.open.open_engine` takes; None is the verifier
    that ships with the scenario.

    Raises:
        FencunError: there is no such model or verifier, or it does not answer.
    """
    pairs = to_judge(study)
    async with _reader(study, model, opener or default_opener(parallel)) as reader:
        known = {one.ask: one for one in judgements(study) if one.judge == reader.name}
        waiting = [pair for pair in pairs if pair.ask not in known]
        turn = asyncio.Semaphore(parallel)
        with Appender(study.folder / JUDGED) as journal:

            async def one(pair: TextPair) -> None:
                async with turn:
                    score, steady = await reader.read(pair)
                brief, low, high, draw = pair.ask
                said = MachineJudgement(
                    judge=reader.name, brief=brief, low=low, high=high, draw=draw,
                    score=score, steady=steady,
                )  # fmt: skip
                journal.write(said.model_dump(mode="json"))
                known[pair.ask] = said
                tell(reader.name, len(known), len(pairs))

            await _each(one, waiting)
    return [known[pair.ask] for pair in pairs]


async def _each(work: Callable[[TextPair], object], waiting: Iterable[TextPair]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for pair in waiting:
                group.create_task(work(pair))  # type: ignore[arg-type]
    except* FencunError as failures:
        raise failures.exceptions[0] from None


class Reader:
    """Asks a model which of two texts it would rather send, in both orders."""

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self._engine = engine

    async def read(self, pair: TextPair) -> tuple[float, bool]:
        """Return how far the text of the lower arm is preferred, and whether order did not matter.

        Raises:
            EngineError: the model failed, or answered none of the four letters.
        """
        first = await self._say(pair.brief, pair.low, pair.high)
        second = 1.0 - await self._say(pair.brief, pair.high, pair.low)
        return (first + second) / 2, first == second

    async def _say(self, brief: Brief, one: str, other: str) -> float:
        whole = await self._engine.complete(asking(brief, one, other), _DECODING)
        if letter := answered(whole.text):
            return _WORTH[letter]
        raise EngineError(
            f"评判模型 {self.name} 没有答 A、B、C、D 里的一个：{whole.text[:40]!r}。换一个模型。",
            f"The judge {self.name} answered none of A, B, C, D: {whole.text[:40]!r}. "
            "Take another model.",
        )


def answered(text: str) -> str | None:
    """Return the letter that a judge answered: the only one it names, or the one it begins with."""
    if (alone := text.strip(" \n.。").upper()) in _WORTH:
        return alone
    named: set[str] = set(_NAMED.findall(text))
    if len(named) == 1:
        return named.pop()
    first = _FIRST.match(text)
    return str(first.group(1)) if first else None


class LoneReader:
    """The verifier: how likely each text can be sent as it stands, one at a time."""

    def __init__(self, verifier: Verifier, name: str) -> None:
        self.name = name
        self._verifier = verifier
        self._known: dict[tuple[str, str], float] = {}

    async def read(self, pair: TextPair) -> tuple[float, bool]:
        """Return how far the text of the lower arm is preferred: the odds of one over the other's.

        Raises:
            EngineError: the engine failed, or tells no probabilities.
        """
        one = await self._sendable(pair.brief, pair.low)
        other = await self._sendable(pair.brief, pair.high)
        for_low, for_high = one * (1 - other), other * (1 - one)
        return (for_low / (for_low + for_high) if for_low + for_high > 0 else 0.5), True

    async def _sendable(self, brief: Brief, text: str) -> float:
        key = brief.lines(), text
        if key not in self._known:
            (found,) = await self._verifier.read(brief, [text])
            if found is None:
                raise EngineError(
                    "这个引擎不说概率，验评器读不了。",
                    "This engine tells no probabilities, which the verifier needs.",
                )
            self._known[key] = found
        return self._known[key]


def asking(brief: Brief, one: str, other: str) -> list[Message]:
    """Return the chat that asks which of two texts would rather be sent."""
    content = (
        f"有人要发一条{brief.scenario.product}，需求是：\n{brief.lines()}\n\n"
        f"写好的两条：\nA：{one}\n\nB：{other}\n\n"
        "站在发的人这边，更愿意照原样发哪一条？长短不算好坏。"
        "只答一个字母：A；B；C（一样好）；D（都不行）。"
    )
    return [{"role": "user", "content": content}]


@asynccontextmanager
async def _reader(
    study: Study, model: str | None, opener: Opener
) -> AsyncIterator[Reader | LoneReader]:
    if model is not None:
        engine = opener(model, None)
        try:
            yield Reader(engine)
        finally:
            await engine.aclose()
        return
    base = in_use()
    adapter = None if is_endpoint(base) else shipped_adapter(study.scenario, base, VERIFIER)
    if adapter is None:
        raise FencunError(
            "现在用的底座没有随附的验评器；换回默认底座，或用 --model 指一个评判模型。",
            "No verifier ships for the model in use; use the default base, or name a judge: "
            "--model.",
        )
    engine = opener(None, adapter.gguf)
    try:
        yield LoneReader(Verifier(engine, adapter, 0), f"verifier-{adapter.sha256[:8]}")
    finally:
        await engine.aclose()


def by_judge(said: Iterable[MachineJudgement]) -> Mapping[str, list[MachineJudgement]]:
    """Return judgements by who judged."""
    found: dict[str, list[MachineJudgement]] = {}
    for one in said:
        found.setdefault(one.judge, []).append(one)
    return found
