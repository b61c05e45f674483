"""Lines as a check needs them: what is remembered of each, what is wrong with it by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from fencun.data.gate_cache import GateCache
from fencun.data.likeness import Alike, near_duplicates
from fencun.data.lines import BadLine, Line, Tell, counted, iterate_lines
from fencun.errors import FencunError
from fencun.gates import Finding
from fencun.records import Sample
from fencun.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of a line: no more than what the others are compared with.

    ``file`` counts the files; ``family`` is that of a sample, None for seeds and drafts. Of a
    line that cannot be used nothing is ``readable``.
    """

    file: int
    number: int
    id: str = ""
    parent: str | None = None
    text: str = ""
    salutation: str = ""
    family: str | None = None
    readable: bool = True

    @classmethod
    def of(cls, file: int, line: Line | BadLine) -> Self:
        """Return what is remembered of ``line``."""
        if isinstance(line, BadLine):
            return cls(file, line.number, readable=False)
        family = line.record.family if isinstance(line.record, Sample) else None
        return cls(file, line.number, line.id, line.parent, line.text, line.salutation, family)


class Scan(Protocol):
    """Who reads the lines and lets every gate look at each: :class:`LocalScan`, or a cluster."""

    def seen(self, tell: Tell | None = None) -> Iterator[Seen]:
        """Yield every line in the order of the files."""
        ...

    def findings(
        self, seen: Sequence[Seen], tell: Tell | None = None
    ) -> Iterator[Sequence[Finding]]:
        """Yield what is wrong with every line by itself; ``seen`` is what was yielded of them."""
        ...

    def judged(self, lines: Sequence[Line]) -> Iterator[Sequence[Finding]]:
        """Yield what is wrong with each of ``lines`` by itself."""
        ...

    def near(self, texts: Sequence[str]) -> Sequence[Alike]:
        """Return what ``near_duplicates(texts, once=True)`` returns."""
        ...


class LocalScan:
    """Reads the files in this process, twice, so that nothing need be held in between."""

    def __init__(self, scenario: Scenario, files: Sequence[Path] = ()) -> None:
        self._scenario = scenario
        self._files = files

    def seen(self, tell: Tell | None = None) -> Iterator[Seen]:
        """See :class:`Scan`."""
        return (Seen.of(file, line) for file, line in self._stream(tell))

    def findings(
        self, seen: Sequence[Seen], tell: Tell | None = None
    ) -> Iterator[Sequence[Finding]]:
        """See :class:`Scan`.

        Raises:
            FencunError: a file is not what it was.
        """
        judge = GateCache(self._scenario)
        before = iter(seen)
        for file, line in self._stream(tell):
            name = line.id if isinstance(line, Line) else ""
            known = next(before, None)
            if not known or (known.file, known.number, known.id) != (file, line.number, name):
                raise changed(self._files[file])
            yield [unusable(line.error)] if isinstance(line, BadLine) else judge(line)
        if next(before, None):
            raise changed(self._files[-1])

    def judged(self, lines: Sequence[Line]) -> Iterator[Sequence[Finding]]:
        """See :class:`Scan`."""
        return map(GateCache(self._scenario), lines)

    def near(self, texts: Sequence[str]) -> Sequence[Alike]:
        """See :class:`Scan`."""
        return near_duplicates(texts, once=True)

    def _stream(self, tell: Tell | None) -> Iterator[tuple[int, Line | BadLine]]:
        lines = (
            (file, line)
            for file, path in enumerate(self._files)
            for line in iterate_lines(path, self._scenario)
        )
        return counted(lines, self._files, tell) if tell else lines


def unusable(error: FencunError) -> Finding:
    """Return what is told of a line that is no record."""
    return Finding("record", "fault", 0, 0, error.zh, error.en)


def changed(path: Path) -> FencunError:
    """Return what is told where ``path`` is not what it was a moment ago."""
    return FencunError(
        f"{path.name} 在检查的时候变了，或是只能读一遍的管道；存成文件，再检查一次。",
        f"{path.name} changed while it was checked, or is a pipe; save it and check again.",
    )
