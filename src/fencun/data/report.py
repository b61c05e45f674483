"""What `fencun data check` finds: per line what is wrong and where, as rows for any reader."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fencun.data.across import look_across
from fencun.data.dataset import MANIFEST, read_manifest
from fencun.data.lineage import trace
from fencun.data.lines import DRAFTS, SEEDS, BadLine, Line, Reading, iterate_lines, read_lines
from fencun.data.split import PARTS
from fencun.errors import FencunError, RecordError
from fencun.files import Json
from fencun.gates import Finding, Gates
from fencun.records import Sample
from fencun.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that is wrong with one line; ``start`` and ``end`` are offsets into its text."""

    source: str
    line: int
    id: str
    finding: Finding

    def to_row(self) -> Json:
        """Return the remark as JSON."""
        f = self.finding
        place: Json = {"file": self.source, "line": self.line, "id": self.id}
        return {**place, "gate": f.gate, "severity": f.severity, "start": f.start, "end": f.end,
                "zh": f.zh, "en": f.en}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """How many lines were read, and all that is wrong with them, in the order of the files."""

    lines: int
    remarks: list[Remark]

    @property
    def faults(self) -> list[Remark]:
        """What must be mended."""
        return [remark for remark in self.remarks if remark.finding.severity == "fault"]

    @property
    def doubts(self) -> list[Remark]:
        """What a person should look at."""
        return [remark for remark in self.remarks if remark.finding.severity == "doubt"]


def check(
    scenario: Scenario,
    paths: Sequence[Path] = (),
    *,
    semantic: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> Checked:
    """Let every gate look at files of seeds, drafts or samples, or at a folder of a dataset.

    Without ``paths`` the scenario's own seeds and drafts are meant. Drafts may descend from
    lines of the scenario that are not among ``paths``.

    Raises:
        FencunError: a file cannot be opened.
    """
    files = expand(scenario, paths)
    reading = read_lines(files, scenario)
    samples = [line for line in reading.lines if isinstance(line.record, Sample)]
    others = [line for line in reading.lines if not isinstance(line.record, Sample)]
    known = _parents(scenario, files) if any(line.parent for line in others) else {}
    lineage = trace(Reading(others, reading.bad), known)
    bad = [*lineage.bad, *_twice(samples), *_both_sides(samples)]
    lines = [*lineage.lines, *samples]
    found = look_across(lines, semantic=semantic, tell=tell)
    gates = Gates(scenario)
    remarks = [_unusable(entry) for entry in bad]
    remarks += [_broken(path, error) for path in paths for error in _manifest_errors(path)]
    for at, line in enumerate(lines):
        for finding in [*gates.check(line.text, line.brief), *found.get(at, ())]:
            remarks.append(Remark(line.source, line.number, line.id, finding))
    order = {path.name: at for at, path in enumerate(files)}
    remarks.sort(key=lambda remark: (order.get(remark.source, -1), remark.line))
    return Checked(len(reading.lines) + len(reading.bad), remarks)


def expand(scenario: Scenario, paths: Iterable[Path]) -> list[Path]:
    """Return the files that ``paths`` mean: a folder is the parts of the dataset in it."""
    files: list[Path] = []
    for path in paths:
        files += [path / f"{part}.jsonl" for part in PARTS] if path.is_dir() else [path]
    if not files:
        files = [path for name in (SEEDS, DRAFTS) if (path := scenario.folder / name).exists()]
    if not files:
        raise FencunError(
            f"场景“{scenario.title}”还没有种子：{scenario.folder / SEEDS}。",
            f"The scenario {scenario.name} has no seeds yet: {scenario.folder / SEEDS}.",
        )
    return files


def _parents(scenario: Scenario, files: Sequence[Path]) -> dict[str, str | None]:
    """Return the parents of the scenario's own lines that are not being checked."""
    parents: dict[str, str | None] = {}
    for name in (SEEDS, DRAFTS):
        path = scenario.folder / name
        if path.exists() and path.resolve() not in {file.resolve() for file in files}:
            for entry in iterate_lines(path, scenario):
                if isinstance(entry, Line):
                    parents.setdefault(entry.id, entry.parent)
    return parents


def _twice(samples: Iterable[Line]) -> Iterable[BadLine]:
    first: dict[str, Line] = {}
    for line in samples:
        before = first.setdefault(line.id, line)
        if before is not line:
            place = f"{before.source}:{before.number}"
            yield _refused(
                line,
                f"第 {line.number} 行的 id {line.id} 和 {place} 重复。",
                f"Line {line.number} repeats the id {line.id} of {place}.",
            )


def _both_sides(samples: Iterable[Line]) -> Iterable[BadLine]:
    """Yield the lines whose family already stands in another file: it would examine itself."""
    sides: dict[str, str] = {}
    for line in samples:
        assert isinstance(line.record, Sample)
        side = sides.setdefault(line.record.family, line.source)
        if side != line.source:
            yield _refused(
                line,
                f"第 {line.number} 行的家族 {line.record.family} 在 {side} 里也有，等于泄题。",
                f"Line {line.number}: the family {line.record.family} also stands in {side}.",
            )


def _refused(line: Line, zh: str, en: str) -> BadLine:
    return BadLine(line.source, line.number, RecordError(zh, en, line=line.number))


def _manifest_errors(path: Path) -> Iterable[FencunError]:
    if path.is_dir():
        try:
            read_manifest(path)
        except FencunError as error:
            yield error


def _broken(path: Path, error: FencunError) -> Remark:
    return Remark(MANIFEST, 0, path.name, Finding("record", "fault", 0, 0, error.zh, error.en))


def _unusable(entry: BadLine) -> Remark:
    finding = Finding("record", "fault", 0, 0, entry.error.zh, entry.error.en)
    return Remark(entry.source, entry.number, "", finding)
