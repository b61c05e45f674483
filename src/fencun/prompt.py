"""What the model is told: the six lines alone, or the best engineered prompt around them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from fencun.brief import Brief, parse_brief
from fencun.errors import FencunError, ScenarioError
from fencun.models.engine import Message
from fencun.scenario import LengthRange, Scenario

_CLAUSE = re.compile(r"[^，。；,;.]+[，。；,;.]?")

Arm = Literal["bare", "prompt", "tuned"]
ARMS: tuple[Arm, ...] = get_args(Arm)


def messages(brief: Brief, arm: Arm) -> list[Message]:
    """Return the chat that ``arm`` sends for ``brief``.

    ``bare`` and ``tuned`` send the brief's lines alone. ``prompt`` puts the scenario's
    instructions and worked examples before them, the same for every brief and so cacheable,
    and after them what the brief implies.
    """
    if arm != "prompt":
        return [{"role": "user", "content": brief.lines()}]
    chat: list[Message] = [{"role": "system", "content": instructions(brief.scenario)}]
    for example in brief.scenario.examples:
        asked = parse_brief(brief.scenario, {k: v for k, v in example.items() if k != "text"})
        chat.append({"role": "user", "content": engineered(asked)})
        chat.append({"role": "assistant", "content": example["text"]})
    chat.append({"role": "user", "content": engineered(brief)})
    return chat


def engineered(brief: Brief) -> str:
    """Return the brief's lines, what must not be said left out, and what they imply."""
    return f"{replace(brief, values=_discreet(brief)).lines()}\n\n{reminders(brief)}"


def _discreet(brief: Brief) -> Mapping[str, str]:
    """Drop the clauses of the detail that betray a hushed topic: what is not read is not said."""
    dimension = brief.scenario.role("detail")
    hush = [topic for topic in brief.topics if topic.handling == "不提"]
    if dimension is None or not hush:
        return brief.values
    kept = [
        clause
        for clause in _CLAUSE.findall(brief.values[dimension.name])
        if not any(topic.betrayed_by(clause) for topic in hush)
    ]
    return {**brief.values, dimension.name: "".join(kept).strip("，。；、 ")}


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
    """Return what this brief implies and a general model tends to forget, one sentence a line."""
    told = []
    if salutation := brief.value("salutation"):
        told.append(f"开头叫“{salutation}”。")
    if brief.audience:
        person = brief.likely_person
        if person in ("您", "你"):
            told.append(f"用“{person}”对他说。")
        elif person == "你们":
            told.append("对方是几个人，用“你们”或“大家”。")
        if not brief.audience.joke:
            told.append("不开对方的玩笑。")
    told += [note for note in brief.notes if note]
    if hushed(brief):
        told.append("对方最近心里不好受：那件事一个字不提，只说陪着他，或者一起做点什么。")
    if brief.length:
        told.append(f"写{_sentences(brief.length)}，{brief.length.min}到{brief.length.max}字。")
    return "".join(told)


def _sentences(length: LengthRange) -> str:
    """Say a length in sentences of about 22 characters: small models cannot count characters."""
    most = max(1, round(length.max / 25))
    return "一句话" if length.max <= 35 else f"{max(1, most - 1)}到{most}句话"


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
