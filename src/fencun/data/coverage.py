"""The map of the data: how many lines stand in each cell, and which are too thin.

One and the same map for seeds, samples, test briefs and votes: anything that has a brief and
a sensitive topic can be counted. :mod:`fencun.data.heatmap` draws it, and
:mod:`fencun.data.targets` says how full a cell should be.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from fencun.brief import Brief, parse_brief
from fencun.data.axes import EVERY, NO_TOPIC, TACT, TYPING, Axis, axes, map_axes, typing_of
from fencun.data.targets import Targets
from fencun.language import say
from fencun.records import Asked, Seed
from fencun.scenario import Scenario


class Counted(Protocol):
    """What the map can count; :class:`fencun.data.lines.Line` and :class:`Spot` are such."""

    @property
    def brief(self) -> Brief:
        """What was asked for."""
        ...

    @property
    def topic(self) -> str:
        """The sensitive topic, empty where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Spot:
    """A brief with its topic, where there is no line around it."""

    brief: Brief
    topic: str = ""


def spot(scenario: Scenario, record: Seed) -> Spot:
    """Return where ``record`` (a seed, draft, sample) stands.

    Raises:
        BriefError: its brief is not one of the scenario's.
    """
    brief = parse_brief(scenario, record.brief, strict=not isinstance(record, Asked))
    return Spot(brief, record.tact.topic if record.tact else "")


def cell_of(line: Counted) -> dict[str, str]:
    """Return the value of ``line`` on every axis, by the axis's name."""
    brief = line.brief
    cell = {d.name: brief.values[d.name] for d in brief.scenario.dimensions if d.kind != "text"}
    cell[TACT] = line.topic or NO_TOPIC
    if brief.scenario.role("detail"):
        cell[TYPING] = typing_of(brief.value("detail"))
    if len(cell) == 1:
        cell[EVERY] = EVERY
    return cell


@dataclass(frozen=True, slots=True)
class Table:
    """Counts over two axes: ``counts[row][column]``, in the order of the axes' values."""

    rows: Axis
    columns: Axis
    counts: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> int:
        """The number of lines in the table."""
        return sum(map(sum, self.counts))

    @property
    def row_sums(self) -> tuple[int, ...]:
        """The lines of each row."""
        return tuple(map(sum, self.counts))

    @property
    def column_sums(self) -> tuple[int, ...]:
        """The lines of each column."""
        return tuple(sum(column) for column in zip(*self.counts, strict=True))


class Coverage:
    """How many lines stand in each cell of all axes. Grows by :meth:`add`, a line at a time."""

    def __init__(self, scenario: Scenario, lines: Iterable[Counted] = ()) -> None:
        self.scenario = scenario
        self._cells: Counter[tuple[str, ...]] = Counter()
        for line in lines:
            self.add(line)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the scenario."""
        return axes(self.scenario)

    def axis(self, name: str) -> Axis:
        """Return the axis called ``name``; KeyError if there is none."""
        return self.axes[self._place(name)]

    def add(self, line: Counted) -> None:
        """Count one line more."""
        cell = cell_of(line)
        self._cells[tuple(cell[axis.name] for axis in self.axes)] += 1

    @property
    def total(self) -> int:
        """The number of lines counted."""
        return self._cells.total()

    def counts(self, *names: str) -> Counter[tuple[str, ...]]:
        """Return how many lines have which values on the axes ``names``; zeros are left out."""
        places = [self._place(name) for name in names]
        found: Counter[tuple[str, ...]] = Counter()
        for cell, count in self._cells.items():
            found[tuple(cell[place] for place in places)] += count
        return found

    def along(self, name: str) -> dict[str, int]:
        """Return the count of every value of one axis, zeros included, in the axis's order."""
        found = self.counts(name)
        return {value: found[(value,)] for value in self.axis(name).values}

    def table(self, rows: str, columns: str) -> Table:
        """Return the counts over two axes, zeros included."""
        found = self.counts(rows, columns)
        down, across = self.axis(rows), self.axis(columns)
        counts = tuple(tuple(found[r, c] for c in across.values) for r in down.values)
        return Table(down, across, counts)

    def _place(self, name: str) -> int:
        for place, axis in enumerate(self.axes):
            if axis.name == name:
                return place
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Gap:
    """A cell with fewer lines than it should have; ``values`` by axis, in the order asked."""

    values: tuple[tuple[Axis, str], ...]
    have: int
    want: int

    @property
    def missing(self) -> int:
        """How many lines more it should have."""
        return self.want - self.have

    @property
    def cell(self) -> tuple[str, ...]:
        """The values alone."""
        return tuple(value for _, value in self.values)

    def __str__(self) -> str:
        cell = " × ".join(axis.value_label(value) for axis, value in self.values)
        return say(f"再写{_numeral(self.missing)}条：{cell}", f"{self.missing} more: {cell}")


def gaps(
    coverage: Coverage,
    targets: Targets,
    *,
    over: Sequence[str] = (),
    size: int | None = None,
    at_least: int = 0,
) -> list[Gap]:
    """Return the gaps cells over the axes ``over`` (default: the map's two), hungriest first.

    A cell should have its share of ``size`` lines (default: as many as are counted), rounded
    down, and ``at_least`` so many; cells that ``targets`` rules out want nothing. The thinnest
    is the one that has the smallest part of what it wants.
    """
    over = over or map_axes(coverage.scenario)
    total = coverage.total if size is None else size
    counts = coverage.counts(*over)
    chosen = [coverage.axis(name) for name in over]
    found = []
    for cell, share in _shares(targets, chosen):
        want = max(at_least, int(total * share + 1e-9)) if share else 0
        have = counts[cell]
        if have < want:
            found.append(Gap(tuple(zip(chosen, cell, strict=True)), have, want))
    return sorted(found, key=lambda gap: (gap.have / gap.want, -gap.missing))


def _shares(targets: Targets, chosen: Sequence[Axis]) -> Iterable[tuple[tuple[str, ...], float]]:
    """Yield every cell over the axes with its share; what is ruled out goes to the rest of its row.

    The first axis keeps its shares: forbidding a teasing tone to clients makes other tones for
    clients more frequent, never clients rarer.
    """
    first, rest = chosen[0], chosen[1:]
    for value, share in targets.along(first.name, first.values).items():
        cells: list[tuple[tuple[str, ...], float]] = [((value,), share)]
        for axis in rest:
            along = targets.along(axis.name, axis.values)
            cells = [((*c, v), s * part) for c, s in cells for v, part in along.items()]
        names = [axis.name for axis in chosen]
        kept = [s for c, s in cells if targets.allows(dict(zip(names, c, strict=True)))]
        scale = share / sum(kept) if sum(kept) else 0.0
        for cell, part in cells:
            allowed = targets.allows(dict(zip(names, cell, strict=True)))
            yield cell, part * scale if allowed else 0.0


def _numeral(count: int) -> str:
    return "零一两三四五六七八九十"[count] if 0 < count <= 10 else f" {count} "
