"""What the model is told: the six lines alone, or the best engineered prompt around them."""

from functools import cache
from pathlib import Path
from typing import Literal, get_args

from fencun.brief import Brief
from fencun.errors import FencunError, ScenarioError
from fencun.models.engine import Message
from fencun.scenario import Scenario

Arm = Literal["bare", "prompt", "tuned"]
ARMS: tuple[Arm, ...] = get_args(Arm)


def messages(brief: Brief, arm: Arm) -> list[Message]:
    """Return the chat that ``arm`` sends for ``brief``.

    ``bare`` and ``tuned`` send the six lines alone; ``prompt`` puts the scenario's
    instructions before them and what the brief implies after them.
    """
    if arm == "prompt":
        return [
            {"role": "system", "content": instructions(brief.scenario)},
            {"role": "user", "content": f"{brief.lines()}\n\n{reminders(brief)}"},
        ]
    return [{"role": "user", "content": brief.lines()}]


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
        told.append(f"开头直接叫“{salutation}”。")
    if audience := brief.audience:
        if audience.person in ("您", "你"):
            told.append(f"通篇用“{audience.person}”。")
        elif audience.person == "你们":
            told.append("对方是许多人，用“大家”或“你们”。")
        if not audience.joke:
            told.append("不开对方的玩笑。")
        if audience.note:
            told.append(audience.note)
    if brief.length:
        told.append(f"全文{brief.length.min}到{brief.length.max}字。")
    for topic in hushed(brief):
        told.append(f"不要提到{topic}。")
    told.append(f"只输出{brief.scenario.product}正文。")
    return "\n".join(told)


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
