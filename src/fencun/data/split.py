"""Families of lines to train, validation or test: whole, so that no part has seen another's."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from fencun.data.lines import Line

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

SHARE = 0.10  # of validation and of test each, by lines
_FAMILIES_TO_SPARE = 3  # an audience with fewer families stays in train: it cannot be split
_LINES_AT_LEAST = 3


def split(lines: Sequence[Line], families: Mapping[str, str], *, seed: int = 0) -> dict[str, Part]:
    """Return the part of every family.

    Each audience gives about a tenth of its lines to test and to validation, at
    least three, where it has enough families. Families with a tact topic that a part lacks
    go first, so that all topics are examined; for the rest a hash of ``seed`` decides.
    """
    by_audience: dict[str, dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
    home: dict[str, str] = {}
    for line in lines:
        family = families[line.id]
        audience = home.setdefault(family, line.brief.audience.value if line.brief.audience else "")
        by_audience[audience][family].append(line)
    parts: dict[str, Part] = {}
    topics: dict[Part, set[str]] = {"test": set(), "validation": set()}
    for audience in sorted(by_audience):
        waiting = by_audience[audience]
        total = sum(map(len, waiting.values()))
        spare = len(waiting) >= _FAMILIES_TO_SPARE
        for part in ("test", "validation") if spare else ():
            _take(waiting, part, max(_LINES_AT_LEAST, SHARE * total), parts, topics[part], seed)
        parts.update(dict.fromkeys(waiting, "train"))
    return parts


def _take(
    waiting: dict[str, list[Line]],
    part: Part,
    target: float,
    parts: dict[str, Part],
    topics: set[str],
    seed: int,
) -> None:
    """Move families from ``waiting`` to ``part`` until one more would lead away from ``target``."""
    taken = 0
    while len(waiting) > 1:
        chosen = min(waiting, key=lambda family: _rank(waiting[family], family, topics, seed))
        lines = waiting[chosen]
        if taken >= _LINES_AT_LEAST and abs(taken + len(lines) - target) >= abs(taken - target):
            return
        del waiting[chosen]
        parts[chosen] = part
        taken += len(lines)
        topics.update(line.topic for line in lines if line.topic)


def _rank(lines: Sequence[Line], family: str, topics: set[str], seed: int) -> tuple[int, str]:
    fresh = {line.topic for line in lines if line.topic} - topics
    return -len(fresh), hashlib.sha256(f"{seed}/{family}".encode()).hexdigest()
