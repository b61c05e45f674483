"""Whether an adapter has learnt from the test briefs: held against what its manifest says.

Not against the dataset that happens to lie on the disk: that may have been built anew since.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from fencun.adapter import MANIFEST, Adapter
from fencun.errors import FencunError, RecordError
from fencun.evaluate.arms import ArmSpec, adapter_of
from fencun.files import Json, read_jsonl, sha256_file
from fencun.records import Sample
from fencun.scenario import Scenario

_NO_TEXT = ("adapter", "validation")  # weights it started from, and lines it never learnt from


def check_unlearnt(
    arms: Iterable[ArmSpec], scenario: Scenario, samples: Sequence[Sample]
) -> tuple[str, ...]:
    """Refuse ``samples`` that an arm's adapter learnt from; return what could not be held
    against them, as "arm: name", because no file here has the hash in the manifest.

    Raises:
        FencunError: the manifest or a file with its hash holds a family, line or text of a sample.
    """
    unverified: list[str] = []
    for arm in arms:
        adapter = adapter_of(arm, scenario)
        if adapter:
            unverified += [f"{arm.name}: {name}" for name in _check(adapter, scenario, samples)]
    return tuple(unverified)


def _check(adapter: Adapter, scenario: Scenario, samples: Sequence[Sample]) -> list[str]:
    declared = json.loads((adapter.folder / MANIFEST).read_bytes())
    learnt = {str(one) for one in declared.get("learnt", ())}
    _refuse([s for s in samples if {s.id, s.family, s.hash} & learnt], "manifest.json")
    hashes: Json = declared.get("data") or {}
    named = {name: value for name, value in hashes.items() if name not in _NO_TEXT}
    if not learnt and ("adapter" in hashes or not named):
        missing = ["adapter"] if "adapter" in hashes else ["data"]
    else:
        missing = []
    known = _by_hash(scenario, adapter, set(named.values())) if named else {}
    for name, value in named.items():
        if value in known:
            _refuse(_met(known[value], scenario, samples), str(known[value]))
        elif not learnt:
            missing.append(name)
    return missing


def _by_hash(scenario: Scenario, adapter: Adapter, wanted: set[str]) -> dict[str, Path]:
    """Return the files of the scenario, and beside the adapter, whose hash is ``wanted``."""
    found: dict[str, Path] = {}
    for folder in (scenario.folder, adapter.folder):
        for path in sorted(folder.rglob("*.jsonl")):
            value = sha256_file(path)
            if value in wanted:
                found.setdefault(value, path)
    return found


def _met(path: Path, scenario: Scenario, samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples of which ``path`` holds the family, the id, the brief or the text."""
    families: set[str] = set()
    contents: set[tuple[str, ...] | None] = set()
    for _, row in read_jsonl(path):
        if isinstance(row, RecordError):
            raise row
        families |= {str(row[key]) for key in ("family", "id", "brief_of") if row.get(key)}
        contents.add(_content(row, scenario))
    contents.discard(None)
    return [
        sample
        for sample in samples
        if {sample.id, sample.family} & families
        or _content(dict(sample.brief), scenario) in contents
    ]


def _content(row: Json, scenario: Scenario) -> tuple[str, ...] | None:
    """The brief as typed: what makes two rows the same request; None where there is none."""
    names = [dimension.name for dimension in scenario.dimensions]
    return tuple(str(row[name]) for name in names) if all(n in row for n in names) else None


def _refuse(met: Sequence[Sample], where: str) -> None:
    if met:
        names = "、".join(sorted({sample.id for sample in met})[:3])
        raise FencunError(
            f"适配器学过这些测试需求：{names}（见 {where}）。换需求，或换一个没学过它们的适配器。",
            f"The adapter has learnt from test briefs {names} (see {where}). Take other briefs, "
            "or an adapter that has not.",
        )
