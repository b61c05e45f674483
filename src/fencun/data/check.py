"""What `fencun data check` finds: per line what is wrong and where, as rows for any reader."""

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fencun.data.across import Findings, look_across
from fencun.data.dataset import MANIFEST, read_manifest
from fencun.data.lineage import astray, orphan, repeated
from fencun.data.lines import DRAFTS, SEEDS, Line, Tell, iterate_lines
from fencun.data.scan import LocalScan, Scan, Seen, unusable
from fencun.data.split import PARTS
from fencun.errors import FencunError, RecordError
from fencun.files import Json
from fencun.gates import Finding
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
    tell: Tell | None = None,
    scan: Scan | None = None,
) -> Checked:
    """Let every gate look at files of seeds, drafts or samples, or at a folder of a dataset.

    Without ``paths`` the scenario's own seeds and drafts are meant. Drafts may descend from
    lines of the scenario that are not among ``paths``.

    Raises:
        FencunError: a file cannot be opened.
    """
    inspection = Inspection(scenario, paths, scan)
    inspection.read()
    inspection.compare(semantic=semantic, tell=tell)
    return Checked(inspection.lines, list(inspection.remarks()))


class Inspection:
    """A check in three steps, of which none holds the records: files may have a million lines.

    :meth:`read` remembers ids, descent and texts, :meth:`compare` looks across them, and
    :meth:`remarks` tells, line by line, what is wrong.
    """

    def __init__(
        self, scenario: Scenario, paths: Sequence[Path] = (), scan: Scan | None = None
    ) -> None:
        """Take the paths as :func:`check` does; ``scan`` reads them, as :func:`expand` says."""
        self._scenario = scenario
        self._folders = [path for path in paths if path.is_dir()]
        self._files = expand(scenario, paths)
        self._scan = scan or LocalScan(scenario, self._files)
        self._seen: list[Seen] = []
        self._first: dict[bool, dict[str, Seen]] = {True: {}, False: {}}  # samples, others
        self._parents: Mapping[str, str | None] = {}
        self._astray: dict[str, str] = {}
        self._across: Findings = {}

    @property
    def lines(self) -> int:
        """How many lines were read."""
        return len(self._seen)

    def read(self, tell: Tell | None = None) -> None:
        """Read the files once.

        Raises:
            FencunError: a file cannot be opened.
        """
        shared: dict[str, str] = {}  # equal strings are held once
        for told in self._scan.seen(tell):
            seen = replace(
                told,
                text=shared.setdefault(told.text, told.text),
                salutation=shared.setdefault(told.salutation, told.salutation),
            )
            self._seen.append(seen)
            if seen.readable:
                self._first[seen.family is not None].setdefault(seen.id, seen)
        own = {name: seen.parent for name, seen in self._first[False].items()}
        if drafts := [name for name, parent in own.items() if parent]:
            self._parents = ChainMap(own, _parents(self._scenario, self._files))
            self._astray = astray(self._parents, drafts)

    def compare(self, *, semantic: bool = False, tell: Tell | None = None) -> None:
        """Look across the lines read."""
        standing = [seen for seen in self._seen if self._stands(seen)]
        self._across = look_across(standing, semantic=semantic, tell=tell, near=self._scan.near)

    def remarks(self, tell: Tell | None = None) -> Iterator[Remark]:
        """Yield what is wrong, in the order of the lines.

        Raises:
            FencunError: a file is not what it was.
        """
        for folder in self._folders:
            yield from _manifest_remarks(folder)
        sides, standing = dict[str, str](), 0
        alone = self._scan.findings(self._seen, tell)
        for seen, findings in zip(self._seen, alone, strict=True):
            source = self._files[seen.file].name
            if not self._stands(seen):
                lost = self._lost(seen) if seen.readable else findings[0]
                yield Remark(source, seen.number, "", lost)
                continue
            for error in self._of_sample(seen, source, sides) if seen.family is not None else ():
                yield Remark(source, seen.number, "", error)
            for finding in (*findings, *self._across.get(standing, ())):
                yield Remark(source, seen.number, seen.id, finding)
            standing += 1

    def _stands(self, seen: Seen) -> bool:
        """Whether others are compared with it: it is readable, and no one's copy or orphan."""
        if seen.family is not None or not seen.readable:
            return seen.readable
        return self._first[False][seen.id] is seen and seen.id not in self._astray

    def _lost(self, seen: Seen) -> Finding:
        """Return why a seed or draft does not stand."""
        if self._first[False][seen.id] is not seen:
            return self._repeated(seen)
        return unusable(orphan(seen.id, seen.number, self._astray[seen.id], self._parents))

    def _repeated(self, seen: Seen) -> Finding:
        before = self._first[seen.family is not None][seen.id]
        source = self._files[before.file].name
        return unusable(repeated(seen.id, seen.number, source, before.number))

    def _of_sample(self, seen: Seen, source: str, sides: dict[str, str]) -> Iterator[Finding]:
        """Yield what is wrong with the id and the family of a sample.

        A family that also stands in another file would examine itself.
        """
        if self._first[True][seen.id] is not seen:
            yield self._repeated(seen)
        side = sides.setdefault(seen.family or "", source)
        if side != source:
            error = RecordError(
                f"第 {seen.number} 行的家族 {seen.family} 在 {side} 里也有，等于泄题。",
                f"Line {seen.number}: the family {seen.family} also stands in {side}.",
                line=seen.number,
            )
            yield unusable(error)


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


def _manifest_remarks(folder: Path) -> Iterator[Remark]:
    try:
        read_manifest(folder)
    except FencunError as error:
        yield Remark(MANIFEST, 0, folder.name, unusable(error))
