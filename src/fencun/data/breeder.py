"""The seam of who writes drafts: a model behind any engine, or anything that can answer."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from fencun.data.axes import TYPINGS
from fencun.data.breeding_plan import PlannedChild
from fencun.data.lines import Line
from fencun.errors import ScenarioError
from fencun.files import Json, sha256_json
from fencun.models.batchfile import BatchFile
from fencun.models.ending import flaw
from fencun.models.engine import Completion, Decoding, Engine, Message
from fencun.scenario import Scenario

CHARTER = "charter.md"
_SIBLINGS = 6
_DECODING = Decoding(temperature=0.9, top_p=0.95, max_tokens=700)
_TYPING_TOLD = {
    "空": "留空（{name} 写空字符串）",
    "短": "只打几个字，像真人随手填的（10 字以内）",
    "一般": "写一句话（11 到 40 字）",
    "啰嗦": "写得啰嗦，像真人絮叨的（40 字以上，不超过 70 字）",
}
_FORM = (
    "你在为一个训练集写样本。下面是表达宪章，写的每一条都以它为准。\n\n{charter}\n\n"
    "每次给你一条亲本和它已有的孩子。你写一条新的：换一个人、换一件事、换一个起笔，"
    "学亲本的分寸和口气，不改写它的句子，不和已有的孩子像。\n"
    "只输出一个 JSON 对象，{count} 个键：{keys}。不要代码块，不要解释。"
)


@dataclass(frozen=True, slots=True)
class WrittenDraft:
    """What a breeder wrote: the free fields of a line, and what it cost in tokens.

    ``fields`` is None where the answer is unfinished or could not be read; ``raw`` is the
    answer as it came.
    """

    fields: dict[str, str] | None
    raw: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Breeder(Protocol):
    """Who writes drafts."""

    @property
    def name(self) -> str:
        """What the lineage of its drafts says: a person's or a model's name."""
        ...

    async def write(
        self, child: PlannedChild, parent: Line, siblings: Sequence[str], attempt: int
    ) -> WrittenDraft:
        """Write the child ``child`` of ``parent``; ``siblings`` are its texts so far.

        ``attempt`` counts from 0 and is another try at the same child.

        Raises:
            EngineError: whoever writes cannot be reached.
        """
        ...


class ModelBreeder:
    """Has drafts written by a model: charter, parent and siblings so far are in the prompt."""

    def __init__(self, engine: Engine, scenario: Scenario, *, seed: int = 0) -> None:
        """Raises :class:`ScenarioError` where the scenario has no charter."""
        self._engine = engine
        self._scenario = scenario
        self._seed = seed
        self._free = free_fields(scenario)
        self._system = _FORM.format(
            charter=_charter(scenario), count=len(self._free), keys="、".join(self._free)
        )

    @property
    def name(self) -> str:
        """The model's id."""
        return self._engine.name

    async def write(
        self, child: PlannedChild, parent: Line, siblings: Sequence[str], attempt: int
    ) -> WrittenDraft:
        """See :meth:`Breeder.write`."""
        return self.draft(
            await self._engine.complete(*self.asked(child, parent, siblings, attempt))
        )

    def asked(
        self, child: PlannedChild, parent: Line, siblings: Sequence[str], attempt: int
    ) -> tuple[list[Message], Decoding]:
        """Return what the model is asked for a child, and how it samples the answer."""
        chat: list[Message] = [
            {"role": "system", "content": self._system},
            {"role": "user", "content": self._told(child, parent, siblings)},
        ]
        return chat, replace(_DECODING, seed=self._seed + attempt)

    def draft(self, answer: Completion) -> WrittenDraft:
        """Return what an answer of the model holds."""
        ending = flaw(answer)
        whole = ending is None or ending.severity == "doubt"
        fields = read_fields(answer.text, self._free) if whole else None
        return WrittenDraft(fields, answer.text, answer.prompt_tokens, answer.completion_tokens)

    def _told(self, child: PlannedChild, parent: Line, siblings: Sequence[str]) -> str:
        shown = {key: parent.record.brief.get(key, "") for key in self._free[:-2]}
        prompt = [
            f"亲本：{json.dumps({**shown, 'text': parent.text}, ensure_ascii=False)}",
            *(f"已有的孩子：{text}" for text in siblings[-_SIBLINGS:]),
            "",
            "写一条新的：",
            *wanted(self._scenario, child),
        ]
        return "\n".join(prompt)


class BatchFileBreeder:
    """Has drafts written by ``breeder``'s model by way of a Batch service.

    A request is known by its child, its parent, the try and what the model is always told; not
    by the siblings that it was shown: more of them may be there when it comes back.
    """

    def __init__(self, breeder: ModelBreeder, batch: BatchFile) -> None:
        self._breeder = breeder
        self._file = batch

    @property
    def name(self) -> str:
        """The model's id."""
        return self._breeder.name

    async def write(
        self, child: PlannedChild, parent: Line, siblings: Sequence[str], attempt: int
    ) -> WrittenDraft:
        """See :meth:`Breeder.write`; raises :class:`WaitingError` for what has not come back."""
        chat, decoding = self._breeder.asked(child, parent, siblings, attempt)
        asked = [self.name, *self._breeder.asked(child, parent, (), attempt)[0], asdict(decoding)]
        identity = f"{attempt}.{sha256_json(asked)[:12]}.{child.id}"
        answer = self._file.ask(identity, chat, decoding, model=self.name, name=self.name)
        return self._breeder.draft(answer)


def free_fields(scenario: Scenario) -> tuple[str, ...]:
    """Return what a breeder writes: the text dimensions, then ``text`` and ``why``."""
    return (*(d.name for d in scenario.dimensions if d.kind == "text"), "text", "why")


def wanted(scenario: Scenario, child: PlannedChild) -> list[str]:
    """Return what is asked of a child, one ``名称：内容`` a line."""
    lines = []
    for dimension in scenario.dimensions:
        if dimension.kind == "text":
            continue
        choice = dimension.choice(child.values[dimension.name])
        value = child.values[dimension.name]
        if choice and choice.range:
            value = f"{value}（{choice.range.min}到{choice.range.max}字）"
        lines.append(f"{dimension.label}：{value}")
    if (detail := scenario.role("detail")) and child.typing in TYPINGS:
        value = _TYPING_TOLD[child.typing].format(name=detail.name)
        if not TYPINGS[child.typing][1] and scenario.advice.no_detail:
            value = f"{value}，{scenario.advice.no_detail}"
        lines.append(f"{detail.label}：{value}")
    if child.topic:
        topic = next(topic for topic in scenario.tact if topic.name == child.topic)
        where = detail.label if detail else "需求"
        lines.append(f"分寸：{where}里带出“{topic.name}”，正文{topic.handling}")
    return lines


def read_fields(answer: str, names: Sequence[str]) -> dict[str, str] | None:
    """Return the string fields ``names`` of the first JSON object in ``answer``, else None.

    ``why`` may be missing. Nothing in the answer is followed or run.
    """
    decoder = json.JSONDecoder()
    at = answer.find("{")
    while at >= 0:
        try:
            value, _ = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            at = answer.find("{", at + 1)
            continue
        return _strings(value, names)
    return None


def _strings(value: Json, names: Sequence[str]) -> dict[str, str] | None:
    found = {name: value.get(name, "" if name == "why" else None) for name in names}
    if not all(isinstance(text, str) for text in found.values()):
        return None
    return {name: str(text).strip() for name, text in found.items()}


def _charter(scenario: Scenario) -> str:
    path: Path = scenario.folder / CHARTER
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ScenarioError(
            f"场景“{scenario.title}”没有宪章（{path}）；先写下什么算对，再繁殖。",
            f"The scenario {scenario.name} has no charter ({path}): say what is right first.",
        ) from error
