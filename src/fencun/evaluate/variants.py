"""The same request, put differently: what a robust arm should not stumble over. Deterministic."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from fencun.brief import Brief, parse_brief
from fencun.errors import BriefError
from fencun.files import sha256_json
from fencun.scenario import Dimension

Vary = Callable[[Brief, random.Random], Brief]


def reworded(brief: Brief, chance: random.Random) -> Brief:
    """Say occasion, style and the like in words people use, and the length in numbers."""
    said = dict(brief.values)
    for dimension in brief.scenario.dimensions:
        if dimension.kind == "text" or dimension.role == "audience":
            continue
        said[dimension.name] = _other_word(brief, dimension, chance)
    return parse_brief(brief.scenario, said)


def _other_word(brief: Brief, dimension: Dimension, chance: random.Random) -> str:
    value = brief.values[dimension.name]
    choice = dimension.choice(value)
    assert choice is not None
    if choice.range:
        return f"{choice.range.min}到{choice.range.max}字"
    for alias in chance.sample(choice.aliases, len(choice.aliases)):
        try:
            other = parse_brief(brief.scenario, {**brief.values, dimension.name: alias})
        except BriefError:
            continue
        if other.values[dimension.name] == value:
            return alias
    return value


def reordered(brief: Brief, chance: random.Random) -> Brief:
    """Give the lines of the request in another order."""
    dimensions = list(brief.scenario.dimensions)
    while dimensions == list(brief.scenario.dimensions):
        chance.shuffle(dimensions)
    scenario = brief.scenario.model_copy(update={"dimensions": tuple(dimensions)})
    return replace(brief, scenario=scenario)


def mistyped(brief: Brief, chance: random.Random) -> Brief:
    """Drop one character of the detail and swap two neighbours, as thumbs do."""
    dimension = brief.scenario.role("detail")
    detail = brief.value("detail")
    if dimension is None or len(detail) < 4:
        return brief
    letters = list(detail)
    del letters[chance.randrange(1, len(letters) - 1)]
    at = chance.randrange(len(letters) - 1)
    letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return parse_brief(brief.scenario, {**brief.values, dimension.name: "".join(letters)})


def missing(brief: Brief, chance: random.Random) -> Brief:
    """Leave one thing out that may be left out; the scenario's default stands in, if it has one."""
    optional = [
        d.name for d in brief.scenario.dimensions if not d.required or d.default is not None
    ]
    if not optional:
        return brief
    return parse_brief(brief.scenario, {**brief.values, chance.choice(optional): ""})


def long(brief: Brief, chance: random.Random) -> Brief:
    """Ask for the longest answer that the scenario knows."""
    dimension = brief.scenario.role("length")
    if dimension is None:
        return brief
    longest = max(dimension.choices, key=lambda choice: choice.range.max if choice.range else 0)
    return parse_brief(brief.scenario, {**brief.values, dimension.name: longest.value})


VARIANTS: Mapping[str, tuple[str, str, Vary]] = {
    "reworded": ("换个说法", "other words", reworded),
    "reordered": ("换个顺序", "other order", reordered),
    "mistyped": ("打错字", "typos", mistyped),
    "missing": ("少填一项", "field missing", missing),
    "long": ("要求写长", "asked longer", long),
}


def vary(name: str, identity: str, brief: Brief) -> Brief:
    """Return the brief ``identity`` in the way ``name``: the same every time."""
    chance = random.Random(sha256_json([name, identity]))
    return VARIANTS[name][2](brief, chance)
