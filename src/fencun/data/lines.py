"""Lines of seeds, drafts and samples as they lie in files: read, validated, placed.

One bad line never costs the good ones: it comes back as an error with its number.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fencun.brief import Brief, parse_brief
from fencun.errors import BriefError, FencunError, RecordError
from fencun.files import Json, read_jsonl
from fencun.records import Draft, Sample, Seed
from fencun.scenario import Scenario, flag

SEEDS = "seeds.jsonl"
DRAFTS = "drafts.jsonl"

Row = TypeVar("Row")
Tell = Callable[[int, int], None]
_TELL_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A record, its brief as the gates and the model see it, and where it stands."""

    source: str
    number: int
    record: Seed
    brief: Brief

    @property
    def id(self) -> str:
        """The id of the record."""
        return self.record.id

    @property
    def text(self) -> str:
        """What is sent."""
        return self.record.text

    @property
    def salutation(self) -> str:
        """By what name the other is addressed; empty where the scenario knows none."""
        return self.brief.value("salutation")

    @property
    def parent(self) -> str | None:
        """The id that this line descends from; None for a seed."""
        return getattr(self.record, "parent", None)

    @property
    def topic(self) -> str:
        """The sensitive topic that the line declares; empty where there is none."""
        return self.record.tact.topic if self.record.tact else ""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used, and why."""

    source: str
    number: int
    error: FencunError


@dataclass(frozen=True, slots=True)
class FileLines:
    """What files held: the good lines in order, and the bad ones."""

    lines: list[Line]
    bad: list[BadLine]


def read_lines(paths: Iterable[Path], scenario: Scenario) -> FileLines:
    """Read JSON Lines files of seeds, drafts or samples, told apart by their fields.

    Raises:
        FencunError: a file cannot be opened.
    """
    reading = FileLines([], [])
    for path in paths:
        for entry in iterate_lines(path, scenario):
            (reading.lines if isinstance(entry, Line) else reading.bad).append(entry)  # type: ignore[arg-type]
    return reading


def read_samples(path: Path, scenario: Scenario) -> list[Sample]:
    """Read one file of a dataset; the first line that is no whole sample stops it.

    As strict as the check of data: canonical values only, and the content is what its hash says.

    Raises:
        RecordError: a line is malformed, or no sample; names the file and the line.
        FencunError: the file cannot be opened.
    """
    samples = []
    for entry in iterate_lines(path, scenario):
        if isinstance(entry, BadLine):
            raise _stops(path, entry.number, entry.error)
        if not isinstance(entry.record, Sample):
            raise _stops(path, entry.number, _no_sample(entry.number, flag(scenario.folder)))
        samples.append(entry.record)
    return samples


def _no_sample(number: int, named: str) -> FencunError:
    return FencunError(
        f"第 {number} 行没有 family 和 hash，是种子或草稿，不是样本；"
        f"请先成集：fencun data build{named}。",
        f"Line {number} has no family and hash: a seed or a draft, not a sample; "
        f"build the dataset first: fencun data build{named}.",
    )


def _stops(path: Path, number: int, error: FencunError) -> RecordError:
    return RecordError(f"{path}：{error.zh}", f"{path}: {error.en}", line=number)


def iterate_lines(path: Path, scenario: Scenario) -> Iterator[Line | BadLine]:
    """Yield every line of ``path``, good or bad, one at a time."""
    return lines_of(read_jsonl(path), path.name, scenario)


def lines_of(
    rows: Iterable[tuple[int, Json | RecordError]], source: str, scenario: Scenario
) -> Iterator[Line | BadLine]:
    """Yield the line of every numbered row of the file that is called ``source``."""
    for number, row in rows:
        if isinstance(row, RecordError):
            yield BadLine(source, number, row)
            continue
        try:
            yield Line(source, number, *parse_row(scenario, row, number))
        except FencunError as error:
            yield BadLine(source, number, error)


def counted(rows: Iterable[Row], paths: Iterable[Path], tell: Tell) -> Iterator[Row]:
    """Yield ``rows``, which come from ``paths``, and tell now and then how many of how many."""
    total = sum(map(_count_lines, paths))
    for done, row in enumerate(rows, start=1):
        if done % _TELL_EVERY == 0:
            tell(done, max(done, total))
        yield row


def _count_lines(path: Path) -> int:
    """Return how many lines ``path`` has; none where it is a pipe, which can be read only once."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def parse_row(scenario: Scenario, row: Json, number: int | None = None) -> tuple[Seed, Brief]:
    """Return the record of a flat row and its brief; only canonical values are taken.

    Raises:
        RecordError: a field is missing, unknown or malformed, a value is not one of the
            scenario's, or the tact topic is unknown; names the field and the line.
    """
    kind = _kind(row)
    if kind is Seed:  # a null parent is none
        row = {name: value for name, value in row.items() if name != "parent"}
    record = kind.from_row(scenario, row, line=number)
    where_zh, where_en = (f"第 {number} 行", f"Line {number}") if number else ("这条", "The record")
    try:
        for dimension in scenario.dimensions:
            if dimension.name not in record.brief:
                raise BriefError(f"缺“{dimension.name}”。", f"lacks {dimension.name!r}.")
        brief = parse_brief(scenario, record.brief, strict=True)
    except BriefError as error:
        raise RecordError(
            f"{where_zh}：{error.zh}", f"{where_en}: {error.en}", line=number
        ) from error
    topics = [topic.name for topic in scenario.tact]
    if record.tact and record.tact.topic not in topics:
        raise RecordError(
            f"{where_zh}：没有“{record.tact.topic}”这个分寸话题；可用：{'、'.join(topics)}。",
            f"{where_en}: unknown tact topic {record.tact.topic!r}.",
            line=number,
        )
    if isinstance(record, Sample) and record.hash != record.content_hash:
        raise RecordError(
            f"{where_zh}：内容和它的 hash 对不上，像是被手改过；请改种子或草稿后重新成集。",
            f"{where_en}: the content does not match its hash; mend its seed and build again.",
            line=number,
        )
    return record, brief


def _kind(row: dict[str, Any]) -> type[Seed]:
    if "hash" in row or "family" in row:
        return Sample
    return Seed if row.get("parent") is None else Draft
