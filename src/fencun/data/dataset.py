"""From seeds and drafts to train, validation and test: same lines in, same bytes out."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fencun.data.across import look_across
from fencun.data.lineage import Descent, trace
from fencun.data.lines import BadLine, Line, read_lines
from fencun.data.scan import LocalScan, Scan
from fencun.data.selection import select
from fencun.data.split import PARTS, Part, split
from fencun.errors import FencunError, RecordError
from fencun.files import Json, sha256_file, write_json, write_jsonl
from fencun.gates import Finding, passes
from fencun.records import Draft, Sample
from fencun.scenario import Scenario, flag

SIZE = 3107
MANIFEST = "manifest.json"
ASIDE = "aside.jsonl"
_SCHEMA = 1

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A line that did not come into the dataset, and why: faults of gates, or ``spare``."""

    line: Line
    findings: tuple[Finding, ...]

    def to_row(self) -> Json:
        """Return what ``aside.jsonl`` keeps of it: enough to find it and bring it back."""
        return {
            "id": self.line.id,
            "file": self.line.source,
            "line": self.line.number,
            "reasons": [{"gate": f.gate, "zh": f.zh, "en": f.en} for f in self.findings],
            "hash": self.line.record.content_hash,
        }


@dataclass(frozen=True, slots=True)
class Dataset:
    """The samples of every part, what was set aside, what could not be read."""

    samples: dict[Part, list[Sample]]
    aside: list[SetAside]
    bad: list[BadLine]

    @property
    def size(self) -> int:
        """The number of samples in all parts."""
        return sum(map(len, self.samples.values()))


def assemble(
    scenario: Scenario,
    paths: Sequence[Path],
    *,
    size: int | None = None,
    seed: int = 0,
    semantic: bool = False,
    tell: Tell | None = None,
    scan: Scan | None = None,
) -> Dataset:
    """Read seeds and drafts, let every gate look, choose and split.

    ``size`` is how many samples there shall be in all; None takes up to 3,107. Seeds are
    judged before drafts, so that of two alike the seed stays. ``scan`` is who lets the gates look.

    Raises:
        FencunError: a file cannot be opened, or fewer lines than ``size`` pass.
    """
    lineage = trace(read_lines(paths, scenario))
    good, aside = judge(scenario, lineage.lines, semantic=semantic, tell=tell, scan=scan)
    if size is not None and len(good) < size:
        named = flag(scenario.folder)
        raise FencunError(
            f"要 {size} 条，过得了关卡的只有 {len(good)} 条，还差 {size - len(good)} 条。"
            f"看看 fencun data check{named} 拦下了什么，fencun data coverage{named} 哪里还空着。",
            f"{size} samples were asked for, but only {len(good)} lines pass the gates. "
            f"See what `fencun data check{named}` refuses and where `fencun data coverage{named}` "
            "shows gaps.",
        )
    generations = {name: descent.generation for name, descent in lineage.descent.items()}
    chosen = select(good, size or SIZE, generations, seed=seed)
    kept = {line.id for line in chosen}
    aside += [SetAside(line, (_SPARE,)) for line in good if line.id not in kept]
    families = {name: descent.family for name, descent in lineage.descent.items()}
    parts = split(chosen, families, seed=seed)
    samples: dict[Part, list[Sample]] = {part: [] for part in PARTS}
    for line in chosen:
        samples[parts[families[line.id]]].append(_sample(line, lineage.descent[line.id]))
    return Dataset(samples, aside, lineage.bad)


_SPARE = Finding("spare", "doubt", 0, 0, "格子已经够满，这次没有选上。", "Its cell is full enough.")


def judge(
    scenario: Scenario,
    lines: Sequence[Line],
    *,
    semantic: bool = False,
    tell: Tell | None = None,
    scan: Scan | None = None,
) -> tuple[list[Line], list[SetAside]]:
    """Return the lines that pass every gate, and the others with their faults."""
    scan = scan or LocalScan(scenario)
    alone: list[Line] = []
    aside: list[SetAside] = []
    for line, findings in zip(lines, scan.judged(lines), strict=True):
        if passes(findings):
            alone.append(line)
        else:
            aside.append(SetAside(line, tuple(f for f in findings if f.severity == "fault")))
    across = look_across(alone, semantic=semantic, tell=tell, near=scan.near)
    good = [line for at, line in enumerate(alone) if at not in across]
    aside += [SetAside(alone[at], tuple(found)) for at, found in sorted(across.items())]
    return good, aside


def _sample(line: Line, descent: Descent) -> Sample:
    record = line.record
    return Sample(
        id=record.id,
        brief=record.brief,
        text=record.text,
        tact=record.tact,
        why=record.why,
        parent=line.parent,
        family=descent.family,
        generation=descent.generation,
        breeder=record.breeder if isinstance(record, Draft) else "author",
        run=record.run if isinstance(record, Draft) else None,
        hash=record.content_hash,
    )


def write_dataset(
    dataset: Dataset, folder: Path, scenario: Scenario, paths: Sequence[Path], arguments: Json
) -> Json:
    """Write the parts, what was set aside, and the manifest, last; return the manifest.

    Equal inputs give equal bytes: nothing in it depends on the clock or on the machine.

    Raises:
        FencunError: a line could not be read (nothing is written), or the disk refused.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    files: dict[str, Any] = {}
    for part in PARTS:
        path = folder / f"{part}.jsonl"
        count = write_jsonl(path, (sample.to_row() for sample in dataset.samples[part]))
        files[path.name] = {"lines": count, "sha256": sha256_file(path)}
    path = folder / ASIDE
    count = write_jsonl(path, (aside.to_row() for aside in dataset.aside))
    files[path.name] = {"lines": count, "sha256": sha256_file(path)}
    reasons = Counter(f.gate for aside in dataset.aside for f in aside.findings[:1])
    manifest: Json = {
        "schema": _SCHEMA,
        "scenario": scenario.name,
        "arguments": arguments,
        "resolved": {**arguments, "size": dataset.size},
        "samples": dataset.size,
        "families": {part: len({s.family for s in dataset.samples[part]}) for part in PARTS},
        "aside": dict(sorted(reasons.items())),
        "unreadable": len(dataset.bad),
        "inputs": {path.name: sha256_file(path) for path in paths},
        "files": files,
    }
    write_json(folder / MANIFEST, manifest)
    return manifest


def read_manifest(folder: Path) -> Json:
    """Return the manifest of the dataset in ``folder``, its files checked against it.

    Raises:
        RecordError: there is no manifest, or a file is not what the manifest says.
    """
    try:
        manifest: Json = json.loads((folder / MANIFEST).read_bytes())
        files = {name: entry["sha256"] for name, entry in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"{folder} 里没有成形的数据集；请先运行 fencun data build。",
            f"{folder} holds no dataset; run fencun data build first.",
        ) from error
    for name, expected in files.items():
        path = folder / name
        if not path.is_file() or sha256_file(path) != expected:
            raise RecordError(
                f"{path} 和清单对不上，像是被改过；请重新成集：fencun data build。",
                f"{path} differs from its manifest; build again: fencun data build.",
            )
    return manifest
