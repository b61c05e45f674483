"""Who descends from whom: every line has one seed at its root, and no line is its own forebear."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fencun.data.lines import BadLine, FileLines, Line
from fencun.errors import RecordError


@dataclass(frozen=True, slots=True)
class Descent:
    """The seed that a line goes back to, and over how many births."""

    family: str
    generation: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """Lines whose descent is known, that descent by id, and the lines that have none."""

    lines: list[Line]
    descent: Mapping[str, Descent]
    bad: list[BadLine]


def trace(reading: FileLines, known: Mapping[str, str | None] | None = None) -> Lineage:
    """Trace every line of ``reading`` to its seed.

    ``known`` maps the ids of lines that stand elsewhere to their parents (None for a seed).
    A line falls where its id was used before, its parent does not exist, or its line of
    descent goes round in a circle; so do its children.
    """
    bad = list(reading.bad)
    unique = _unique(reading.lines, bad)
    parents = {**(known or {}), **{line.id: line.parent for line in unique}}
    descent: dict[str, Descent] = {}
    broken: dict[str, str] = {}
    for line in unique:
        _follow(line.id, parents, descent, broken)
    lines = []
    for line in unique:
        if line.id in broken:
            error = orphan(line.id, line.number, broken[line.id], parents)
            bad.append(BadLine(line.source, line.number, error))
        else:
            lines.append(line)
    return Lineage(lines, descent, bad)


def _unique(lines: Iterable[Line], bad: list[BadLine]) -> list[Line]:
    first: dict[str, Line] = {}
    for line in lines:
        if (before := first.get(line.id)) is None:
            first[line.id] = line
            continue
        error = repeated(line.id, line.number, before.source, before.number)
        bad.append(BadLine(line.source, line.number, error))
    return list(first.values())


def astray(parents: Mapping[str, str | None], among: Iterable[str]) -> dict[str, str]:
    """Return those of ``among`` that go back to no seed, each with the id where its path ends.

    That is an id which is not in ``parents``, or one met twice: a circle.
    """
    descent: dict[str, Descent] = {}
    broken: dict[str, str] = {}
    for name in among:
        _follow(name, parents, descent, broken)
    return broken


def repeated(name: str, number: int, source: str, before: int) -> RecordError:
    """Say that line ``number`` has the id of line ``before`` of ``source``."""
    return RecordError(
        f"第 {number} 行的 id {name} 和 {source} 第 {before} 行重复。",
        f"Line {number} repeats the id {name} of {source}:{before}.",
        line=number,
    )


def _follow(
    start: str,
    parents: Mapping[str, str | None],
    descent: dict[str, Descent],
    broken: dict[str, str],
) -> None:
    """Walk up from ``start`` to a seed or to a line already settled; settle the whole path.

    A broken line is settled with the id at which its path ends: a missing one, or one met twice.
    """
    path: list[str] = []
    met: set[str] = set()
    here: str | None = start
    while here is not None and here not in descent and here not in broken:
        if here in met or here not in parents:
            broken.update(dict.fromkeys(path, here))
            return
        path.append(here)
        met.add(here)
        here = parents[here]
    if here in broken:
        broken.update(dict.fromkeys(path, broken[here]))
        return
    root = descent[here] if here is not None else Descent(path[-1], -1)
    for step, name in enumerate(reversed(path), start=1):
        descent[name] = Descent(root.family, root.generation + step)


def orphan(name: str, number: int, end: str, parents: Mapping[str, str | None]) -> RecordError:
    """Say that the descent of ``name``, on line ``number``, breaks off (or turns) at ``end``."""
    if end in parents:
        return RecordError(
            f"第 {number} 行的 {name} 的谱系绕成了圈（经过 {end}）。",
            f"Line {number}: the descent of {name} is a circle through {end}.",
            line=number,
        )
    return RecordError(
        f"第 {number} 行的 {name} 往上找不到 {end}：没有这一条，或那一条读不了。",
        f"Line {number}: {name} descends from {end}, which is missing or unreadable.",
        line=number,
    )
