"""A file of drafts that comes in for review: read line by line, none silently dropped."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from fencun.data.lineage import trace
from fencun.data.lines import BadLine, Line, read_lines
from fencun.data.privacy import find_private
from fencun.errors import RecordError
from fencun.files import write_bytes
from fencun.gates import Gates, passes
from fencun.scenario import Scenario, load_scenario
from fencun.store.schema import BatchRow, DraftRow
from fencun.store.writings import new_id

MAX_BYTES = 8 << 20
SMALL_BYTES = 64 << 10  # so much is read in a moment, whatever it says
MAX_LINES = 20_000
_TOLD = 3


def fingerprint(data: bytes) -> str:
    """Return what tells a file from any other: reading the same one again makes no other batch."""
    return hashlib.sha256(data).hexdigest()


def read_batch(
    scenario: Scenario, gates: Gates, name: str, data: bytes, known: Mapping[str, str | None]
) -> tuple[BatchRow, list[DraftRow]]:
    """Return the batch that the JSON Lines in ``data`` make, and its drafts, ready to be added.

    Lines that cannot be used are kept as numbers and reasons; drafts that a gate refuses come
    set aside. ``known`` maps the ids that a draft may descend from to their own parents.

    Raises:
        RecordError: no line can be used (says why of the first ones), or there are too many.
    """
    lines, bad = _read(scenario, data, known)
    if not lines:
        raise _nothing(bad)
    batch = BatchRow(
        id=new_id(),
        scenario=scenario.name,
        name=" ".join(name.split())[:120] or "drafts.jsonl",
        fingerprint=fingerprint(data),
        unusable=[
            {"line": entry.number, "zh": entry.error.zh, "en": entry.error.en} for entry in bad
        ],
    )
    return batch, [_draft(batch, gates, line) for line in lines]


def read_batch_anew(
    folder: Path, name: str, data: bytes, known: Mapping[str, str | None]
) -> tuple[BatchRow, list[DraftRow]]:
    """As :func:`read_batch`, for a process that has but the ``folder`` of the scenario."""
    scenario = load_scenario(folder)
    return read_batch(scenario, Gates(scenario), name, data, known)


def _read(
    scenario: Scenario, data: bytes, known: Mapping[str, str | None]
) -> tuple[list[Line], list[BadLine]]:
    if data.count(b"\n") > MAX_LINES:
        raise RecordError(
            f"太长了：一次最多审 {MAX_LINES} 行，请分成几个文件。",
            f"Too long: at most {MAX_LINES} lines at a time; split the file.",
        )
    with TemporaryDirectory(prefix="fencun-review-") as folder:
        path = Path(folder) / "drafts.jsonl"
        write_bytes(path, data)
        lineage = trace(read_lines([path], scenario), known)
    lines, bad = [], list(lineage.bad)
    free = [d.name for d in scenario.dimensions if d.kind == "text"]
    for line in lineage.lines:
        if why := _unfit(line, free):
            bad.append(BadLine(line.source, line.number, why))
        else:
            lines.append(line)
    return lines, sorted(bad, key=lambda entry: entry.number)


def _unfit(line: Line, free: Sequence[str]) -> RecordError | None:
    """Return the reason to refuse a line with private data, or what no database holds, in it.

    ``free`` are the fields that people fill with words of their own.
    """
    for value in (*map(line.record.brief.__getitem__, free), line.text, line.record.why):
        if "\0" in value:
            return RecordError(
                f"第 {line.number} 行里有空字符。",
                f"Line {line.number} has a NUL character in it.",
                line=line.number,
            )
        if found := find_private(value):
            return RecordError(
                f"第 {line.number} 行有{found[0].name}，数据里不能留；改写掉再交。",
                f"Line {line.number} has a {found[0].name} in it; rewrite it, then upload again.",
                line=line.number,
            )
    return None


def _draft(batch: BatchRow, gates: Gates, line: Line) -> DraftRow:
    findings = [found for found in gates.check(line.text, line.brief) if found.severity == "fault"]
    fit = passes(findings)
    return DraftRow(
        id=new_id(),
        batch_id=batch.id,
        number=line.number,
        record=line.record.to_row(),
        findings=[asdict(finding) for finding in findings],
        text=line.text,
        round=1 if fit else 0,
        state="open" if fit else "aside",
        opinions=0,
    )


def _nothing(bad: list[BadLine]) -> RecordError:
    if not bad:
        return RecordError("文件是空的。", "The file is empty.")
    zh = "".join(entry.error.zh for entry in bad[:_TOLD])
    en = " ".join(entry.error.en for entry in bad[:_TOLD])
    return RecordError(
        f"{len(bad)} 行没有一行能用，什么都没有收下。{zh}",
        f"Not one of the {len(bad)} lines can be used; nothing was taken. {en}",
        line=bad[0].number,
    )
