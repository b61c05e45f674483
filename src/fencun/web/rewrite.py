"""How a request changes when a person asks for the same, but shorter or lighter."""

from collections.abc import Mapping

from fencun.scenario import Scenario
from fencun.store.schema import Change
from fencun.web.errors import InvalidError

_SHORTER = 0.75  # of the present length, white space aside: noticeably less, still whole
_LEAST = 12
_LIGHTER = "轻一点，少说半句"


def changes(scenario: Scenario) -> tuple[Change, ...]:
    """Return what can be asked of a text in this scenario."""
    possible: list[Change] = ["redraw"]
    if scenario.role("length"):
        possible.append("shorter")
    if scenario.role("style"):
        possible.append("lighter")
    return tuple(possible)


def changed(
    scenario: Scenario, asked: Mapping[str, str], change: Change, text: str
) -> dict[str, str]:
    """Return the fields to ask for, given those asked before and how the ``text`` reads now.

    Raises:
        InvalidError: the text is as short as it gets, or the scenario knows no such change.
    """
    if change not in changes(scenario):
        raise InvalidError(
            "这个场景不能这样改。", "This scenario has no such change.", field="change"
        )
    fields = dict(asked)
    if change == "shorter":
        dimension = scenario.role("length")
        assert dimension is not None
        fields[dimension.name] = f"{_shorter(text)}字以内"
    if change == "lighter":
        dimension = scenario.role("style")
        assert dimension is not None
        style = fields.get(dimension.name) or dimension.default or ""
        if _LIGHTER not in style:
            room = dimension.max_chars - len(_LIGHTER) - 1
            fields[dimension.name] = f"{style[:room]}，{_LIGHTER}" if style else _LIGHTER
    return fields


def _shorter(text: str) -> int:
    length = len("".join(text.split()))
    target = int(length * _SHORTER)
    if target < _LEAST:
        raise InvalidError(
            f"已经只有 {length} 字，再短就不成一句话了。",
            f"It is {length} characters already; shorter would be no sentence.",
            field="text",
        )
    return target
