"""Rows in the forms of trainers (alpaca, sharegpt, OpenAI, TRL), read back into flat rows.

The question must be the lines of a brief (``称呼：王老师``), as our own exports write them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fencun.data.spreadsheets import malformed
from fencun.files import Json
from fencun.scenario import Dimension, Scenario

_ROLES = {
    "human": "user", "user": "user", "system": "system", "developer": "system",
    "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant",
}  # fmt: skip
_WITH_WORDS = re.compile(r"(?P<value>[^（(]+)[（(](?P<words>.*)[）)]")
_NONE = "无"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer, and whether a system prompt stood before them."""

    asked: str
    answer: str
    system: bool


def unfold(scenario: Scenario, given: Json, number: int) -> tuple[Json, bool] | None:
    """Return row ``number`` of a trainer's form as a flat row, and whether it had a system prompt.

    None where the row is in no such form.

    Raises:
        RecordError: it is a conversation of several turns, or its question is no brief.
    """
    turns = _turns(given, number)
    if turns is None:
        return None
    spoken = _one_turn(turns, number)
    return {**read_lines(scenario, spoken.asked, number), "text": spoken.answer}, spoken.system


def _turns(given: Mapping[str, Any], number: int) -> list[tuple[str, str]] | None:
    """The turns of a row, each with its role; None where the row holds no conversation."""
    if isinstance(said := given.get("messages", given.get("conversations")), list):
        turns = [_turn(turn, number) for turn in said]
        if system := given.get("system"):
            turns.insert(0, ("system", str(system)))
        return turns
    if "prompt" in given and "completion" in given:
        sides = (("user", given["prompt"]), ("assistant", given["completion"]))
        return [turn for role, said in sides for turn in _side(role, said, number)]
    if "instruction" in given and "output" in given:
        asked = "\n".join(filter(None, (str(given["instruction"]), str(given.get("input") or ""))))
        turns = [("user", asked), ("assistant", str(given["output"]))]
        if system := given.get("system"):
            turns.insert(0, ("system", str(system)))
        for before in given.get("history") or ():
            turns[-2:-2] = [("user", str(before)), ("assistant", "")]
        return turns
    return None


def _side(role: str, said: Any, number: int) -> Iterator[tuple[str, str]]:
    if isinstance(said, str):
        yield role, said
    else:
        yield from (_turn(turn, number) for turn in said)


def _turn(turn: Any, number: int) -> tuple[str, str]:
    if isinstance(turn, dict):
        role = _ROLES.get(str(turn.get("role", turn.get("from"))))
        said = turn.get("content", turn.get("value"))
        if isinstance(said, list):  # content as parts
            said = "".join(str(part.get("text", "")) for part in said if isinstance(part, dict))
        if role and isinstance(said, str):
            return role, said
    raise malformed(number, "有一轮对话读不了。", "a turn of the conversation cannot be read.")


def _one_turn(turns: list[tuple[str, str]], number: int) -> Exchange:
    system = any(role == "system" for role, _ in turns)
    spoken = [turn for turn in turns if turn[0] != "system"]
    if [role for role, _ in spoken] != ["user", "assistant"]:
        asked = sum(role == "user" for role, _ in spoken)
        raise malformed(
            number,
            f"这是 {asked} 轮的对话；只收一问一答，请拆开，或只留要学的那一轮。",
            f"a conversation of {asked} turns; only one question with its answer is taken.",
        )
    return Exchange(spoken[0][1], spoken[1][1], system)


def read_lines(scenario: Scenario, text: str, number: int) -> dict[str, str]:
    """Read the lines of a brief (``称呼：王老师``), in any order and with either colon.

    Raises:
        RecordError: a line is none of a brief, or names a field twice.
    """
    names = {
        name.casefold(): dimension
        for dimension in scenario.dimensions
        for name in (dimension.name, dimension.label, dimension.line or "", dimension.en)
        if name
    }
    fields: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        label, colon, value = line.replace("：", ":", 1).partition(":")
        dimension = names.get(label.strip().casefold())
        if not colon or dimension is None or dimension.name in fields:
            form = "、".join(f"{d.line or d.label}：" for d in scenario.dimensions)
            raise malformed(
                number,
                f"问话里的这一行不是需求：{line[:24]}。每行写一项（{form}）。",
                f"not a line of a brief: {line[:24]!r}. Write one field a line.",
            )
        fields[dimension.name] = _value(dimension, value.strip())
    return fields


def _value(dimension: Dimension, written: str) -> str:
    """Leave out the words in brackets beside a value of the list; 无 is empty."""
    if dimension.kind == "text":
        return "" if written == _NONE else written
    match = _WITH_WORDS.fullmatch(written)
    return match["value"] if match and dimension.choice(match["value"]) else written
