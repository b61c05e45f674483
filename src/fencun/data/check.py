"""What `fencun data check` finds: per line what is wrong and where, as rows for any reader."""

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fencun.data.across import Findings, look_across
from fencun.data.dataset import MANIFEST, read_manifest
from fencun.data.judge import Judge
from fencun.data.lineage import astray, orphan, repeated
from fencun.data.lines import DRAFTS, SEEDS, BadLine, Line, Tell, counted, iterate_lines
from fencun.data.split import PARTS
from fencun.errors import FencunError, RecordError
from fencun.files import Json
from fencun.gates import Finding
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
    tell: Tell | None = None,
) -> Checked:
    """Let every gate look at files of seeds, drafts or samples, or at a folder of a dataset.

    Without ``paths`` the scenario's own seeds and drafts are meant. Drafts may descend from
    lines of the scenario that are not among ``paths``.

    Raises:
        FencunError: a file cannot be opened.
    """
    inspection = Inspection(scenario, paths)
    inspection.read()
    inspection.compare(semantic=semantic, tell=tell)
    return Checked(inspection.lines, list(inspection.remarks()))


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is remembered of a line: no more than what the others are compared with."""

    file: int
    number: int
    sample: bool
    id: str
    parent: str | None
    text: str
    salutation: str


class Inspection:
    """A check in three steps, of which none holds the records: files may have a million lines.

    :meth:`read` remembers ids, descent and texts, :meth:`compare` looks across them, and
    :meth:`remarks` reads the files again and tells, line by line, what is wrong.
    """

    def __init__(self, scenario: Scenario, paths: Sequence[Path] = ()) -> None:
        """Take the paths as :func:`check` does."""
        self._scenario = scenario
        self._folders = [path for path in paths if path.is_dir()]
        self._files = expand(scenario, paths)
        self._entries: list[_Entry] = []
        self._first: dict[bool, dict[str, _Entry]] = {True: {}, False: {}}  # samples, others
        self._parents: Mapping[str, str | None] = {}
        self._astray: dict[str, str] = {}
        self._across: Findings = {}
        self.lines = 0

    def read(self, tell: Tell | None = None) -> None:
        """Read the files once.

        Raises:
            FencunError: a file cannot be opened.
        """
        shared: dict[str, str] = {}  # equal strings are held once
        for file, line in self._stream(tell):
            self.lines += 1
            if isinstance(line, BadLine):
                continue
            sample = isinstance(line.record, Sample)
            entry = _Entry(file, line.number, sample, line.id, line.parent,
                           shared.setdefault(line.text, line.text),
                           shared.setdefault(line.salutation, line.salutation))  # fmt: skip
            if self._first[sample].setdefault(line.id, entry) is entry or sample:
                self._entries.append(entry)
        drafts = [entry.id for entry in self._entries if entry.parent and not entry.sample]
        if drafts:
            own = {name: entry.parent for name, entry in self._first[False].items()}
            self._parents = ChainMap(own, _parents(self._scenario, self._files))
            self._astray = astray(self._parents, drafts)

    def compare(self, *, semantic: bool = False, tell: Tell | None = None) -> None:
        """Look across the lines read."""
        standing = [entry for entry in self._entries if not self._lost(entry)]
        self._across = look_across(standing, semantic=semantic, tell=tell)

    def remarks(self, tell: Tell | None = None) -> Iterator[Remark]:
        """Read the files again and yield what is wrong, in the order of the lines.

        Raises:
            FencunError: a file is not what it was.
        """
        for folder in self._folders:
            yield from _manifest_remarks(folder)
        judge, sides, standing = Judge(self._scenario), dict[str, str](), 0
        for line, entry in self._again(tell):
            if isinstance(line, BadLine):
                yield _unusable(line.source, line.number, line.error)
            elif entry is None:
                yield self._repeated(line, self._first[False].get(line.id))
            elif self._lost(entry):
                error = orphan(line.id, line.number, self._astray[line.id], self._parents)
                yield _unusable(line.source, line.number, error)
            else:
                yield from self._of_sample(line, entry, sides) if entry.sample else ()
                for finding in (*judge(line), *self._across.get(standing, ())):
                    yield Remark(line.source, line.number, line.id, finding)
                standing += 1

    def _again(self, tell: Tell | None) -> Iterator[tuple[Line | BadLine, _Entry | None]]:
        """Yield every line with what is remembered of it: nothing, where its id came before."""
        entries, count = iter(self._entries), 0
        entry = next(entries, None)
        for file, line in self._stream(tell):
            count += 1
            mine = entry if entry and (entry.file, entry.number) == (file, line.number) else None
            if mine and (isinstance(line, BadLine) or mine.id != line.id):
                raise _changed(self._files[file])
            yield line, mine
            entry = next(entries, None) if mine else entry
        if count != self.lines or entry:
            raise _changed(self._files[-1])

    def _stream(self, tell: Tell | None) -> Iterator[tuple[int, Line | BadLine]]:
        lines = (
            (file, line)
            for file, path in enumerate(self._files)
            for line in iterate_lines(path, self._scenario)
        )
        return counted(lines, self._files, tell) if tell else lines

    def _lost(self, entry: _Entry) -> bool:
        return not entry.sample and entry.id in self._astray

    def _repeated(self, line: Line, before: _Entry | None) -> Remark:
        if before is None:
            raise _changed(Path(line.source))
        source = self._files[before.file].name
        error = repeated(line.id, line.number, source, before.number)
        return _unusable(line.source, line.number, error)

    def _of_sample(self, line: Line, entry: _Entry, sides: dict[str, str]) -> Iterator[Remark]:
        """Yield what is wrong with the id and the family of a sample.

        A family that also stands in another file would examine itself.
        """
        before = self._first[True][line.id]
        if before is not entry:
            yield self._repeated(line, before)
        assert isinstance(line.record, Sample)
        family = line.record.family
        side = sides.setdefault(family, line.source)
        if side != line.source:
            error = RecordError(
                f"第 {line.number} 行的家族 {family} 在 {side} 里也有，等于泄题。",
                f"Line {line.number}: the family {family} also stands in {side}.",
                line=line.number,
            )
            yield _unusable(line.source, line.number, error)


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
        yield Remark(MANIFEST, 0, folder.name, _record(error))


def _unusable(source: str, number: int, error: FencunError) -> Remark:
    return Remark(source, number, "", _record(error))


def _record(error: FencunError) -> Finding:
    return Finding("record", "fault", 0, 0, error.zh, error.en)


def _changed(path: Path) -> FencunError:
    return FencunError(
        f"{path.name} 在检查的时候变了，或是只能读一遍的管道；存成文件，再检查一次。",
        f"{path.name} changed while it was checked, or is a pipe; save it and check again.",
    )
