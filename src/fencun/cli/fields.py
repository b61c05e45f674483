"""The fields of a brief as flags: those of the scenario that is meant, whatever they are called."""

from collections.abc import Iterable, Sequence

import typer

from fencun.errors import FencunError
from fencun.language import say
from fencun.scenario import Dimension, Scenario, load_scenario

# A command with fields takes flags that it does not declare.
SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}


def read_flags(scenario: Scenario, words: Sequence[str]) -> dict[str, str]:
    """Return the fields of a brief among ``words``, as in ``--tone 诚恳`` or ``--tone=诚恳``.

    Raises:
        typer.BadParameter: a flag is no field of ``scenario``, or has no value.
    """
    names = {flag(dimension): dimension.name for dimension in scenario.dimensions}
    found: dict[str, str] = {}
    left = list(words)
    while left:
        name, equals, value = left.pop(0).partition("=")
        if name not in names:
            raise typer.BadParameter(
                say(
                    f"“{scenario.title}”没有 {name} 这一项；有：{' '.join(names)}。",
                    f"{scenario.en} has no {name}; there are: {' '.join(names)}.",
                )
            )
        if not equals and (not left or left[0] in names):
            raise typer.BadParameter(say(f"{name} 后面要写内容。", f"{name} takes a value."))
        found[names[name]] = value if equals else left.pop(0)
    return found


def read_pairs(pairs: Iterable[str], option: str) -> dict[str, str]:
    """Return the fields that ``option`` was given as ``name=value``, however often.

    Raises:
        typer.BadParameter: one of ``pairs`` has no ``=``.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(
                say(
                    f"{option} 要写成 名=值：{pair[:40]}", f"{option} takes name=value: {pair[:40]}"
                )
            )
        found[name.strip()] = value
    return found


def flag(dimension: Dimension) -> str:
    """Return the flag of a field."""
    return f"--{dimension.name.replace('_', '-')}"


def flags_told() -> str:
    """Return the flags of the scenario in use, for the end of a help page."""
    try:
        scenario = load_scenario()
    except FencunError:
        return ""
    told = " ".join(f"{flag(d)} {say(d.label, d.en)}" for d in scenario.dimensions)
    return say(
        f"“{scenario.title}”的各项：{told}。别的场景有别的项。",
        f"Fields of {scenario.en}: {told}. Other scenarios have others.",
    )
