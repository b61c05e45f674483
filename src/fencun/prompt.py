"""What the model is told: the brief alone, or the best engineered prompt around it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args

from fencun.brief import Brief, parse_brief
from fencun.errors import FencunError, ScenarioError
from fencun.models.engine import Message
from fencun.retrieval import Example
from fencun.scenario import LengthRange, Person, Scenario
from fencun.script import simplified
from fencun.tact import cue_text, is_instruction, unsaid

_SENTENCE_CHARS = 17
_ADDRESS: dict[Person, str] = {
    "您": "称对方“您”，一处也不说“你”。",
    "你": "称对方“你”，不说“您”。",
    "你们": "对方是几个人，称“你们”或“大家”。",
    "any": "",
}
_PLAIN = (
    "你替人写{product}。写出来的话，就是他本人对那个人说的话：口语，具体，不编没有的事，"
    "不写人人能用的套话。只写正文。"
)
_CLAUSE = re.compile(r"[^，。；,;.\s]+[，。；,;.\s]?")
# A clause that says of whom it tells.
_NAMED = re.compile("[我俺咱你您他她它们爸妈爹娘哥姐弟妹爷奶叔伯姨舅姑婶嫂公婆师]")
# Beside what must not be named these are a hint of it.
_HINTS = re.compile(
    "不提|不说|没说|没跟|没告诉|不吭声|瞒|躲|绕着|不肯见|没赶上|没见着|一个人(?!带)"
)

Arm = Literal["bare", "prompt", "tuned", "edit"]
ARMS: tuple[Arm, ...] = get_args(Arm)
ADAPTED: tuple[Arm, ...] = ("tuned", "edit")  # those that an adapter speaks for


def messages(brief: Brief, arm: Arm, examples: Sequence[Example] = ()) -> list[Message]:
    """Return the chat that ``arm`` sends for ``brief``.

    ``bare`` and ``tuned`` send the brief's lines alone, ``edit`` without what must stay unsaid
    and after the written ``examples`` that are to be adapted, the nearest last. ``prompt`` puts
    the scenario's instructions and worked examples before them, the same for every brief and so
    cacheable, and after them what the brief implies.
    """
    if arm == "edit":
        shown = "".join(f"{_shown(example, brief)}\n\n" for example in reversed(examples))
        return [{"role": "user", "content": shown + as_facts(brief).lines()}]
    if arm != "prompt":
        return [{"role": "user", "content": brief.lines()}]
    chat: list[Message] = [{"role": "system", "content": instructions(brief.scenario)}]
    for asked, text in _worked(_Itself(brief.scenario), date.today()):
        chat.append({"role": "user", "content": asked})
        chat.append({"role": "assistant", "content": text})
    chat.append({"role": "user", "content": engineered(brief)})
    return chat


class _Itself:
    """A scenario as a key: it is told from others by being another one, not by what it holds."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.scenario is other.scenario

    def __hash__(self) -> int:
        return id(self.scenario)


@lru_cache(maxsize=8)
def _worked(key: _Itself, today: date) -> tuple[tuple[str, str], ...]:
    """Return what the worked examples ask and answer; a day in them is that of ``today``'s year."""
    return tuple(
        (
            engineered(
                parse_brief(
                    key.scenario, {k: v for k, v in example.items() if k != "text"}, today=today
                )
            ),
            example["text"],
        )
        for example in key.scenario.examples
    )


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
    return f"{without_hushed(brief).lines()}\n\n{reminders(brief)}"


def without_hushed(brief: Brief) -> Brief:
    """Leave out the clauses of what must not be named, where the scenario says so.

    What a model does not read, it does not say. A clause goes if it betrays a topic, alone or
    with its neighbour, and with it what leans on it: the clauses after it that name nobody
    (年前被裁，每天照常出门), and those that tell of silence, of keeping away or of being left
    alone. What still betrays a topic goes as a whole.
    """
    hush = brief.hushed
    if not hush or not brief.scenario.advice.omit_hushed:
        return brief

    def tells(clause: str) -> bool:
        return any(topic in hush for topic in brief.scenario.topics_in(clause))

    return _without(brief, tells)


def as_facts(brief: Brief) -> Brief:
    """Leave out what must stay unsaid, and what is said to the writer and not of the two.

    A small model repeats 别太肉麻 and 别提钱 where a large one obeys; what they ask for, the
    gates look after.
    """
    left = unsaid(cue_text(simplified(brief.value("detail"))))

    def asks(clause: str) -> bool:
        return is_instruction(clause) or any(what in clause for what in left)

    return _without(without_hushed(brief), asks, leaning=False)


def _without(brief: Brief, tells: Callable[[str], bool], *, leaning: bool = True) -> Brief:
    """Leave out of the detail each clause that tells, and those that lean on it if they are to.

    ``tells`` reads a clause, or two, as cues are read: :func:`cue_text`, simplified.
    """
    dimension = brief.scenario.role("detail")
    if dimension is None:
        return brief
    clauses = _CLAUSE.findall(brief.values[dimension.name])
    read = [cue_text(simplified(clause)) for clause in clauses]
    telling = [tells(clause) for clause in read]
    for at, pair in enumerate(pairwise(read)):
        if leaning and not any(telling[at : at + 2]) and tells("，".join(pair)):
            telling[at : at + 2] = [True, True]
    if not any(telling):
        return brief
    if leaning:
        for at, clause in enumerate(read):
            after = at > 0 and telling[at - 1] and not _NAMED.search(clause)
            telling[at] = telling[at] or after or bool(_HINTS.search(clause))
    kept = [clause for clause, tell in zip(clauses, telling, strict=True) if not tell]
    detail = "".join(kept).strip("，。；、,; ")
    if leaning and tells(cue_text(simplified(detail))):
        detail = ""
    return replace(brief, values={**brief.values, dimension.name: detail})


def instructions(scenario: Scenario) -> str:
    """Return the scenario's engineered system prompt: the same for every brief, so cacheable.

    ``prompt`` names a file of it, or is it; without one a plain request stands for it.

    Raises:
        ScenarioError: the file is missing.
    """
    if not scenario.prompt:
        return _PLAIN.format(product=scenario.product)
    if not scenario.prompt.endswith((".md", ".txt")):
        return scenario.prompt.strip()
    return _read(scenario.folder / scenario.prompt)


def _read(path: Path) -> str:
    try:
        return _text(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"读不了提示词 {path}。", f"Cannot read the prompt {path}.") from error


@lru_cache(maxsize=64)
def _text(path: Path, _changed: int) -> str:
    return path.read_text(encoding="utf-8").strip()


def reminders(brief: Brief) -> str:
    """Return what this brief implies and a general model tends to forget.

    What is forgotten most, how to address the other, comes last: nearest to the answer.
    """
    advice = brief.scenario.advice
    told = [note for note in brief.notes if note]
    if brief.hushed:
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
