"""How full each cell should be: target shares as data, in the scenario's ``targets.yaml``."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from fencun.data.axes import axes
from fencun.errors import ScenarioError
from fencun.scenario import Declared, Scenario

FILE = "targets.yaml"
Share = Annotated[float, Field(ge=0, le=1)]
_EVEN = 1e-6


class Targets(Declared):
    """Which share of the lines each value should get, by axis, and which cells stay empty.

    ``shares`` maps an axis to values and shares; values not named divide what is left evenly,
    and an axis not named is divided evenly. ``never`` lists cells that no line should be
    written for, each as axis and values: a line that matches all axes of one entry is out.
    """

    shares: dict[str, dict[str, Share]] = Field(default_factory=dict)
    never: tuple[dict[str, tuple[str, ...]], ...] = ()

    @model_validator(mode="after")
    def _at_most_all(self) -> "Targets":
        for axis, shares in self.shares.items():
            if sum(shares.values()) > 1 + _EVEN:
                raise ValueError(f"{axis}: the shares add up to more than 1")
        return self

    def along(self, axis: str, values: Iterable[str]) -> dict[str, float]:
        """Return the share of every one of ``values`` on ``axis``; they add up to 1."""
        told = self.shares.get(axis, {})
        found = {value: told.get(value, 0.0) for value in values}
        left = [value for value in found if value not in told]
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
    try:
        declared: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        targets = Targets(**(declared or {}))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError, TypeError) as error:
        raise ScenarioError(
            f"读不了目标份额 {path}：{error}", f"Cannot read the target shares {path}: {error}"
        ) from error
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
