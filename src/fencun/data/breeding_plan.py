"""Which children to write next: small-scale breeding, laid out before a word is written.

Each planned child has a parent and everything but its words: the choices of the scenario,
how its detail is typed, and the sensitive topic in it, if any. The thinnest cells go first; no seed
and no cell gets more than its cap.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fencun.data.axes import EVERY, NO_TOPIC, TACT, TYPING, Axis, axes
from fencun.data.coverage import cell_of
from fencun.data.lines import Line
from fencun.data.targets import Targets
from fencun.errors import FencunError, RecordError
from fencun.files import Json, read_jsonl, write_jsonl
from fencun.scenario import Scenario

PER_SEED = 8
_EMPTY = "空"
_BESIDE = (TACT, TYPING, EVERY)  # axes that are no dimensions


@dataclass(frozen=True, slots=True)
class PlannedChild:
    """A child to be written: ``values`` on every choice of the scenario, ``typing``, ``topic``."""

    id: str
    parent: str
    values: Mapping[str, str]
    typing: str
    topic: str

    def to_row(self) -> Json:
        """Return it as a row of a plan file."""
        return {"id": self.id, "parent": self.parent, **self.values, TYPING: self.typing,
                TACT: self.topic or None}  # fmt: skip


def plan(
    scenario: Scenario,
    lines: Sequence[Line],
    targets: Targets,
    count: int,
    *,
    per_seed: int = PER_SEED,
    per_cell: int | None = None,
    seed: int = 0,
    prefix: str = "b",
) -> list[PlannedChild]:
    """Lay out up to ``count`` children of the seeds among ``lines``; fewer where caps bind.

    The shares of ``targets`` are aimed at for what is there and what is planned together.
    A cell is a combination of the choices but style and length. Same input, same plan.
    """
    planner = _Planner(scenario, lines, targets, count, per_seed, per_cell, seed)
    children: list[PlannedChild] = []
    first = _first_free(prefix, lines)
    while len(children) < count:
        child = planner.next(f"{prefix}{first + len(children):04d}")
        if child is None:
            break
        children.append(child)
    return children


def _first_free(prefix: str, lines: Sequence[Line]) -> int:
    """Return the number after the highest that an id of ``lines`` has behind ``prefix``."""
    used = (line.id.removeprefix(prefix) for line in lines if line.id.startswith(prefix))
    return max((int(number) for number in used if number.isdecimal()), default=0) + 1


class _Planner:
    """What has been sown so far, and what is sown next."""

    def __init__(
        self,
        scenario: Scenario,
        lines: Sequence[Line],
        targets: Targets,
        count: int,
        per_seed: int,
        per_cell: int | None,
        seed: int,
    ) -> None:
        audience = scenario.role("audience")
        style, length = scenario.role("style"), scenario.role("length")
        self._audience = audience.name if audience else ""
        detail = scenario.role("detail")
        self._told = detail is not None and detail.required and detail.default is None
        self._axes = {axis.name: axis for axis in axes(scenario)}
        self._fine = {d.name for d in (style, length) if d} | {TACT, TYPING}
        self._targets = targets
        self._total = len(lines) + count
        self._per_seed, self._per_cell, self._seed = per_seed, per_cell, seed
        self._cells = [cell_of(line) for line in lines]
        self._counts: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self._full: Counter[tuple[str, ...]] = Counter()
        self._children: Counter[str] = Counter(line.parent for line in lines if line.parent)
        self._parents: dict[str, list[str]] = defaultdict(list)
        for line, cell in zip(lines, self._cells, strict=True):
            self._count(cell)
            if line.parent is None:
                self._parents[cell.get(self._audience, "")].append(line.id)

    def next(self, identity: str) -> PlannedChild | None:
        """Return the child that is wanted most, or None where every cap is reached."""
        for audience in self._thinnest_first(identity):
            if parent := self._parent(audience):
                cell = self._choose(audience, identity)
                if cell is not None:
                    self._count(cell)
                    self._children[parent] += 1
                    topic = cell[TACT]
                    values = {n: v for n, v in cell.items() if n not in _BESIDE}
                    return PlannedChild(
                        identity, parent, values, cell.get(TYPING, ""),
                        "" if topic == NO_TOPIC else topic,
                    )  # fmt: skip
        return None

    def _count(self, cell: Mapping[str, str]) -> None:
        audience = cell.get(self._audience, "")
        for name, value in cell.items():
            self._counts[name][audience, value] += 1
        self._full[self._coarse(cell)] += 1

    def _coarse(self, cell: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(value for name, value in cell.items() if name not in self._fine)

    def _thinnest_first(self, identity: str) -> list[str]:
        if not self._audience:
            return [""]
        axis = self._axes[self._audience]
        shares = self._targets.along(axis.name, axis.values)
        have = self._counts[axis.name]
        return sorted(
            (value for value in axis.values if shares[value]),
            key=lambda value: (have[value, value] - shares[value] * self._total,
                               _tie(self._seed, identity, value)),
        )  # fmt: skip

    def _parent(self, audience: str) -> str | None:
        """Return the seed with the fewest children, if it may have one more."""
        free = [seed for seed in self._parents[audience] if self._children[seed] < self._per_seed]
        key = lambda seed: (self._children[seed], _tie(self._seed, seed, ""))  # noqa: E731
        return min(free, key=key, default=None)

    def _choose(self, audience: str, identity: str) -> dict[str, str] | None:
        cell = {self._audience: audience} if self._audience else {}
        for name in self._order():
            options = self._by_want(self._axes[name], audience, identity)
            if name == TYPING and (cell[TACT] != NO_TOPIC or self._told):
                options = [value for value in options if value != _EMPTY]
            fitting = [v for v in options if self._fits({**cell, name: v})]
            if not fitting:
                return None
            cell[name] = fitting[0]
        return {name: cell[name] for name in self._axes if name in cell}

    def _order(self) -> list[str]:
        names = [name for name in self._axes if name != self._audience]
        coarse = [name for name in names if name not in self._fine]
        return coarse + [name for name in names if name in self._fine]

    def _fits(self, cell: Mapping[str, str]) -> bool:
        if not self._targets.allows(cell):
            return False
        whole = self._per_cell is not None and all(
            name in cell for name in self._axes if name not in self._fine
        )
        ordered = {name: cell[name] for name in self._axes if name in cell}
        return not whole or self._full[self._coarse(ordered)] < (self._per_cell or 0)

    def _by_want(self, axis: Axis, audience: str, identity: str) -> list[str]:
        """Order the values of an axis by how much this audience, then the whole, lacks them."""
        shares = self._targets.along(axis.name, axis.values)
        counts = self._counts[axis.name]
        of_audience = sum(counts[audience, value] for value in axis.values) + 1
        whole: Counter[str] = Counter()
        for (_, value), count in counts.items():
            whole[value] += count
        every = whole.total() + 1

        def want(value: str) -> tuple[float, str]:
            here = shares[value] * of_audience - counts[audience, value]
            there = shares[value] * every - whole[value]
            return -(here + there / len(self._parents or [""])), _tie(self._seed, identity, value)

        return sorted((value for value in axis.values if shares[value]), key=want)


def _tie(seed: int, *names: str) -> str:
    return hashlib.sha256("/".join([str(seed), *names]).encode()).hexdigest()


def write_plan(path: Path, children: Sequence[PlannedChild]) -> None:
    """Write a plan file."""
    write_jsonl(path, (child.to_row() for child in children))


def read_plan(path: Path, scenario: Scenario) -> list[PlannedChild]:
    """Read a plan file, strictly.

    Raises:
        RecordError: a line is no planned child; names it.
    """
    children: list[PlannedChild] = []
    seen: set[str] = set()
    for number, row in read_jsonl(path):
        if isinstance(row, RecordError):
            raise row
        child = _child(scenario, row, number)
        if child.id in seen:
            raise RecordError(
                f"第 {number} 行的 id {child.id} 重复。", f"Line {number} repeats {child.id}.",
                line=number,
            )  # fmt: skip
        seen.add(child.id)
        children.append(child)
    if not children:
        raise FencunError(f"{path} 里没有要写的。", f"{path} plans nothing.")
    return children


def _child(scenario: Scenario, row: Json, number: int) -> PlannedChild:
    rest: dict[str, Any] = dict(row)
    values: dict[str, str] = {}
    for axis in axes(scenario):
        value = rest.pop(axis.name, None) or {TACT: NO_TOPIC, EVERY: EVERY}.get(axis.name, "")
        if value not in axis.values:
            raise RecordError(
                f"第 {number} 行：{axis.zh}“{value}”不对；可用：{'、'.join(axis.values)}。",
                f"Line {number}: {axis.name} {value!r} is unknown.",
                line=number,
            )
        values[axis.name] = value
    identity, parent = rest.pop("id", None), rest.pop("parent", None)
    if not isinstance(identity, str) or not isinstance(parent, str) or rest:
        raise RecordError(
            f"第 {number} 行不是一条计划：要有 id 和 parent，不要别的。",
            f"Line {number} is no planned child: it needs id and parent, and nothing else.",
            line=number,
        )
    topic, typing = values.pop(TACT), values.pop(TYPING, "")
    values.pop(EVERY, None)
    return PlannedChild(identity, parent, values, typing, "" if topic == NO_TOPIC else topic)
