"""What the model is told: the six lines alone, or the best engineered prompt around them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from fencun.brief import Brief, parse_brief
from fencun.errors import FencunError, ScenarioError
from fencun.models.engine import Message
from fencun.retrieval import Example
from fencun.scenario import LengthRange, Person, Scenario

_SENTENCE_CHARS = 17
_ADDRESS: dict[Person, str] = {
    "您": "称对方“您”，一处也不说“你”。",
    "你": "称对方“你”，不说“您”。",
    "你们": "对方是几个人，称“你们”或“大家”。",
    "any": "",
}
_CLAUSE = re.compile(r"[^，。；,;.\s]+[，。；,;.\s]?")

Arm = Literal["bare", "prompt", "tuned", "edit"]
ARMS: tuple[Arm, ...] = get_args(Arm)
ADAPTED: tuple[Arm, ...] = ("tuned", "edit")  # those that an adapter speaks for


def messages(brief: Brief, arm: Arm, examples: Sequence[Example] = ()) -> list[Message]:
    """Return the chat that ``arm`` sends for ``brief``.

    ``bare`` and ``tuned`` send the brief's lines alone, ``edit`` those after the written
    ``examples`` that are to be adapted, the nearest last. ``prompt`` puts the scenario's
    instructions and worked examples before them, the same for every brief and so cacheable,
    and after them what the brief implies.
    """
    if arm == "edit":
        shown = "".join(f"{_shown(example, brief)}\n\n" for example in reversed(examples))
        return [{"role": "user", "content": shown + brief.lines()}]
    if arm != "prompt":
        return [{"role": "user", "content": brief.lines()}]
    chat: list[Message] = [{"role": "system", "content": instructions(brief.scenario)}]
    for example in brief.scenario.examples:
        asked = parse_brief(brief.scenario, {k: v for k, v in example.items() if k != "text"})
        chat.append({"role": "user", "content": engineered(asked)})
        chat.append({"role": "assistant", "content": example["text"]})
    chat.append({"role": "user", "content": engineered(brief)})
    return chat


def _shown(example: Example, brief: Brief) -> str:
    """Return a written line as the model reads it: what it answers, without the salutation."""
    told = (
        example.values.get(dimension.name) or "无"
        for dimension in brief.scenario.dimensions
        if dimension.role not in ("salutation", "style")
    )
    return f"例：{'｜'.join(told)}\n{example.text}"


def verifying(brief: Brief, text: str) -> list[Message]:
    """Return the chat that asks a verifier whether ``text`` answers ``brief`` fit to be sent."""
    content = f"{brief.lines()}\n\n写好的：\n{text}\n\n能直接发吗？能，或者不能。"
    return [{"role": "user", "content": content}]


def engineered(brief: Brief) -> str:
    """Return the brief's lines and what they imply, the latter as the scenario advises.

    The detail stays as it was typed, third persons too: who 他 is, only the writer knows.
    """
    return f"{replace(brief, values=_without_hushed(brief)).lines()}\n\n{reminders(brief)}"


def _without_hushed(brief: Brief) -> Mapping[str, str]:
    """Leave out the clauses of what must not be named, where the scenario says so.

    What a model does not read, it does not say.
    """
    dimension = brief.scenario.role("detail")
    hush = [topic for topic in brief.topics if topic.handling == "不提"]
    if dimension is None or not hush or not brief.scenario.advice.omit_hushed:
        return brief.values
    detail = "".join(
        clause
        for clause in _CLAUSE.findall(brief.values[dimension.name])
        if not any(topic in hush for topic in brief.scenario.topics_in(clause))
    ).strip("，。；、 ")
    return {**brief.values, dimension.name: detail}


def instructions(scenario: Scenario) -> str:
    """Return the scenario's engineered system prompt: the same for every brief, so cacheable.

    Raises:
        ScenarioError: the scenario declares no prompt or its file is missing.
    """
    if not scenario.prompt:
        raise ScenarioError(
            f"场景“{scenario.title}”没有写提示词；请在 scenario.yaml 里加 prompt。",
            f"Scenario {scenario.name} declares no prompt; add one to its scenario.yaml.",
        )
    return _read(scenario.folder / scenario.prompt)


@cache
def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ScenarioError(f"读不了提示词 {path}。", f"Cannot read the prompt {path}.") from error


def reminders(brief: Brief) -> str:
    """Return what this brief implies and a general model tends to forget.

    What is forgotten most, how to address the other, comes last: nearest to the answer.
    """
    advice = brief.scenario.advice
    told = [note for note in brief.notes if note]
    if hushed(brief):
        told.append(advice.hushed)
    if brief.value("detail"):
        told.append(advice.detail)
    if brief.length:
        told.append(f"{_sentences(brief.length)}，{brief.length.min}到{brief.length.max}字。")
    if salutation := brief.value("salutation"):
        told.append(f"开头叫“{salutation}”。")
    told.append(_ADDRESS[_person(brief)])
    return "".join(told)


def standing_reminders(scenario: Scenario) -> tuple[str, ...]:
    """Return the reminders that are the same words for every brief; none of them is empty."""
    advice = scenario.advice
    return tuple(filter(None, (advice.hushed, advice.detail, *_ADDRESS.values())))


def _person(brief: Brief) -> Person:
    """How to tell the model to address the other; where both are in use, as the audience says."""
    declared = brief.audience.person if brief.audience else "any"
    return declared if brief.likely_person == "any" else brief.likely_person


def _sentences(length: LengthRange) -> str:
    """Say a length in sentences: small models count them better than characters."""
    count = round((length.min + length.max) / 2 / _SENTENCE_CHARS)
    return "只写一句话" if count <= 1 else f"写{count}句话"


def hushed(brief: Brief) -> list[str]:
    """Return the sensitive topics that the detail betrays and the text must not name."""
    return [topic.name for topic in brief.topics if topic.handling == "不提"]


def parse_arm(name: str) -> Arm:
    """Return the arm called ``name``.

    Raises:
        FencunError: there is none; names those there are.
    """
    for arm in ARMS:
        if arm == name:
            return arm
    raise FencunError(
        f"没有叫“{name[:24]}”的写法；可选：{'、'.join(ARMS)}。",
        f"There is no arm {name[:24]!r}; choose from {', '.join(ARMS)}.",
    )
