"""Preference pairs that lie where ``fencun data pairs`` is told to write them."""

import json
from dataclasses import dataclass
from pathlib import Path

from fencun.evaluate.pairs import MANIFEST, PAIRS
from fencun.home import home
from fencun.scenario import Scenario


@dataclass(frozen=True, slots=True)
class PairsFile:
    """A file of pairs: where, and how many."""

    path: Path
    count: int


def find_pairs(scenario: Scenario) -> dict[str, PairsFile]:
    """Return the files of pairs in TRL's form, by their path.

    Looked for in the folder that the server was started in, in ``FENCUN_HOME`` and in that of
    the scenario: there, and one folder deeper.
    """
    found = {}
    for place in (Path.cwd(), home(), home() / "pairs", scenario.folder):
        for manifest in sorted([place / MANIFEST, *place.glob(f"*/{MANIFEST}")]):
            count = _count(manifest)
            if count:
                path = (manifest.parent / PAIRS).resolve()
                found[str(path)] = PairsFile(path, count)
    return found


def _count(manifest: Path) -> int:
    """Return how many pairs lie beside ``manifest``; 0 where it is about something else."""
    if not (manifest.parent / PAIRS).is_file():
        return 0
    try:
        facts = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    if not isinstance(facts, dict) or facts.get("format") != "trl":
        return 0
    count = facts.get("pairs")
    return count if isinstance(count, int) else 0
