"""The short friendly questionnaire of ``fencun write``: one question a dimension."""

import shlex
import sys

import typer

from fencun.brief import Brief, parse_brief
from fencun.cli.fields import flag
from fencun.errors import BriefError
from fencun.language import language
from fencun.scenario import Dimension, Scenario
from fencun.scenario import flag as named


def ask_brief(scenario: Scenario) -> Brief:
    """Ask for every dimension; a wrong answer is explained and asked for again.

    Raises:
        BriefError: nobody is there to ask (standard input is no terminal).
    """
    if not at_a_terminal():
        told = scenario.whole_example
        words = [
            f"{flag(d)} {_typed(told[d.name])}" for d in scenario.dimensions if told.get(d.name)
        ]
        example = " ".join(words) + named(scenario.folder)
        raise BriefError(
            f"没有填需求。例：fencun write {example}",
            f"No brief given. For example: fencun write {example}",
        )
    given: dict[str, str] = {}
    for dimension in scenario.dimensions:
        given[dimension.name] = _ask(dimension)
        while error := _wrong(scenario, given, dimension):
            typer.secho(str(error), fg="yellow")
            given[dimension.name] = _ask(dimension)
    return parse_brief(scenario, given)


def at_a_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()


def _typed(value: str) -> str:
    """Return ``value`` as one types it in a shell, in quotes only where it needs them."""
    return value if value.isalnum() else shlex.quote(value)


def _ask(dimension: Dimension) -> str:
    english = language() == "en"
    typer.secho(dimension.en if english else dimension.label, bold=True, nl=False)
    typer.secho(f"  {dimension.hint_en if english else dimension.hint}", dim=True)
    for number, choice in enumerate(dimension.choices, start=1):
        end = "\n" if number % 6 == 0 or number == len(dimension.choices) else "  "
        typer.echo(f"{number} {choice.value}{end}", nl=False)
    answer: str = typer.prompt("", default=dimension.default or "", prompt_suffix="> ")
    if dimension.choices and answer.isdigit() and 0 < int(answer) <= len(dimension.choices):
        return dimension.choices[int(answer) - 1].value
    return answer


def _wrong(scenario: Scenario, given: dict[str, str], dimension: Dimension) -> BriefError | None:
    """Return what is wrong with the answer just given, if anything is."""
    try:
        parse_brief(scenario, given)
    except BriefError as error:
        return error if error.field == dimension.name else None
    return None
