"""Which lines stay when there are more than asked for: crowded cells give, thin ones keep."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from fencun.data.lines import Line


def select(
    lines: Sequence[Line], size: int, generations: Mapping[str, int], *, seed: int = 0
) -> list[Line]:
    """Return ``size`` of ``lines``, in their order, so that all cells fill evenly.

    A cell is a combination of the scenario's choices but style and length; in a cell seeds
    come first, then lines whose style, length and topic the cell has least of; ties go by a
    hash of ``seed`` and id. Cells fill level by level: nothing is taken from a thin one.
    """
    cells: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    for line in sorted(lines, key=lambda line: _tie(line, seed)):
        cells[_cell(line)].append(line)
    levels: dict[str, tuple[int, str]] = {}
    for members in cells.values():
        for level, line in enumerate(_in_turn(members, generations)):
            levels[line.id] = (level, _tie(line, seed))
    kept = set(sorted(levels, key=lambda name: levels[name])[:size])
    return [line for line in lines if line.id in kept]


def _in_turn(members: list[Line], generations: Mapping[str, int]) -> list[Line]:
    """Order a cell: each next line is the one whose traits have come up least so far."""
    seen: Counter[str] = Counter()
    waiting, ordered = list(members), []
    while waiting:
        best = min(waiting, key=lambda line: (generations[line.id] > 0, _crowd(line, seen)))
        waiting.remove(best)
        seen.update(_traits(best))
        ordered.append(best)
    return ordered


def _crowd(line: Line, seen: Counter[str]) -> int:
    return sum(seen[trait] for trait in _traits(line))


def _traits(line: Line) -> list[str]:
    traits = [f"{role}={line.brief.value(role)}" for role in ("style", "length")]
    return [*traits, f"tact={line.topic}", f"detail={bool(line.brief.value('detail'))}"]


def _cell(line: Line) -> tuple[str, ...]:
    return tuple(
        line.brief.values[dimension.name]
        for dimension in line.brief.scenario.dimensions
        if dimension.kind == "choice" and dimension.role != "style"
    )


def _tie(line: Line, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{line.id}".encode()).hexdigest()
