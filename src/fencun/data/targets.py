"""How full each cell should be: target shares as data, in the scenario's ``targets.yaml``."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, model_validator

from fencun.data.axes import NO_TOPIC, TACT, axes
from fencun.errors import ScenarioError
from fencun.mistakes import Mistake, WrongError, listed, of_keys, of_syntax, of_values
from fencun.scenario import Declared, Scenario

FILE = "targets.yaml"
Share = Annotated[float, Field(ge=0, le=1)]
_EVEN = 1e-6
_UNTOUCHED = 0.88  # of all lines touch no sensitive matter, unless the targets say otherwise


class Targets(Declared):
    """Which share of the lines each value should get, by axis, and which cells stay empty.

    ``shares`` maps an axis to values and shares; values not named divide what is left evenly,
    and an axis not named is divided evenly; but most lines touch no sensitive matter. ``never``
    lists cells that no line should be written for, each as axis and values: a line that matches
    all axes of one entry is out.
    """

    shares: dict[str, dict[str, Share]] = Field(
        default={},
        description="每一项各个值的份额，0 到 1；没写到的平分剩下的"
        "|the share of each value of an axis, from 0 to 1; others divide what is left",
    )
    never: tuple[dict[str, tuple[str, ...]], ...] = Field(
        default=(),
        description="不写的组合：一条里的各项都对上，就不安排"
        "|cells to leave empty: a line that matches all axes of one entry is not planned",
    )

    @model_validator(mode="after")
    def _at_most_all(self) -> "Targets":
        for axis, shares in self.shares.items():
            if sum(shares.values()) > 1 + _EVEN:
                raise WrongError(
                    f"{axis} 的份额加起来超过 1", f"{axis}: the shares add up to more than 1"
                )
        return self

    def along(self, axis: str, values: Iterable[str]) -> dict[str, float]:
        """Return the share of every one of ``values`` on ``axis``; they add up to 1."""
        declared = self.shares.get(axis, {})
        if axis == TACT and NO_TOPIC not in declared:
            declared = {**declared, NO_TOPIC: max(0.0, _UNTOUCHED - sum(declared.values()))}
        found = {value: declared.get(value, 0.0) for value in values}
        left = [value for value in found if value not in declared]
        spare = max(0.0, 1.0 - sum(found.values()))
        for value in left:
            found[value] = spare / len(left)
        total = sum(found.values())
        return {value: share / total for value, share in found.items()} if total else found

    def allows(self, cell: Mapping[str, str]) -> bool:
        """Return whether lines may be written for ``cell`` (axis to value; axes may be missing)."""
        return not any(
            all(cell.get(axis) in values for axis, values in entry.items()) for entry in self.never
        )


def load_targets(scenario: Scenario, path: Path | None = None) -> Targets:
    """Return the targets in ``path``, else the scenario's own, else an even share for all.

    Raises:
        ScenarioError: the file cannot be read, or names an axis or a value that is not there.
    """
    own = scenario.folder / FILE
    if path is None and not own.exists():
        return Targets()
    return _checked(scenario, path or own)


def _checked(scenario: Scenario, path: Path) -> Targets:
    targets = _read(path)
    known = {axis.name: set(axis.values) for axis in axes(scenario)}
    entries = [*targets.shares.items(), *(item for cell in targets.never for item in cell.items())]
    for axis, values in entries:
        if axis not in known:
            raise ScenarioError(
                f"{path}：没有“{axis}”这一项；可用：{'、'.join(known)}。",
                f"{path}: unknown axis {axis!r}; known: {', '.join(known)}.",
            )
        if strange := [value for value in values if value not in known[axis]]:
            raise ScenarioError(
                f"{path}：{axis} 里没有“{strange[0]}”。",
                f"{path}: {axis} has no value {strange[0]!r}.",
            )
    return targets


def _read(path: Path) -> Targets:
    """Read a file of targets; all that is wrong with it is told at once, with its line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(
            f"读不了目标份额 {path}：{error}", f"Cannot read the target shares {path}: {error}"
        ) from error
    try:
        root, declared = yaml.compose(text), yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _malformed(path, [of_syntax(error, text)]) from error
    if declared is not None and not isinstance(declared, dict):
        raise _malformed(path, [Mistake(1, "要写成“名: 值”", "should be names with values")])
    twice = list(of_keys(root))
    try:
        targets = Targets(**(declared or {}))
    except ValidationError as error:
        wrong = of_values(error, root, Targets.model_fields)
        raise _malformed(path, [*twice, *wrong]) from error
    except TypeError as error:  # a key that is no text
        raise ScenarioError(f"{path}：{error}", f"{path}: {error}") from error
    if twice:
        raise _malformed(path, twice)
    return targets


def _malformed(path: Path, mistakes: Iterable[Mistake]) -> ScenarioError:
    zh, en = listed(mistakes)
    return ScenarioError(f"{path} 要改这些地方：\n{zh}", f"{path} needs mending:\n{en}")
