"""Many briefs from a file to a file: in parallel, resumable, no line written twice."""

import asyncio
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fencun.brief import Brief, parse_brief
from fencun.errors import BriefError, FencunError, RecordError
from fencun.files import Appender, Json, read_jsonl
from fencun.prompt import Arm
from fencun.scenario import Scenario
from fencun.writer import Candidate, Writer, Writing


@dataclass(frozen=True, slots=True)
class BatchBrief:
    """One brief of a batch under the id that its line carries; ``row`` is that line."""

    id: str
    brief: Brief
    row: Json


def read_jobs(path: Path, scenario: Scenario) -> tuple[list[BatchBrief], list[RecordError]]:
    """Read a JSON Lines file of briefs (``id`` and the dimensions of the scenario a line).

    Returns the jobs that can be done, and one error for each line that cannot, with its number.
    """
    jobs: list[BatchBrief] = []
    errors: list[RecordError] = []
    seen: dict[str, int] = {}
    for line, row in read_jsonl(path):
        try:
            if isinstance(row, RecordError):
                raise row
            job = parse_job(scenario, row, line)
            if job.id in seen:
                raise RecordError(
                    f"第 {line} 行的 id {job.id} 和第 {seen[job.id]} 行重复。",
                    f"Line {line} repeats the id {job.id} of line {seen[job.id]}.",
                    line=line,
                )
            seen[job.id] = line
            jobs.append(job)
        except RecordError as error:
            errors.append(error)
    return jobs, errors


def parse_job(scenario: Scenario, row: Json, line: int) -> BatchBrief:
    """Return the brief of a row, which stands in ``line``.

    Raises:
        RecordError: it has no id, or is no brief of the scenario.
    """
    given = dict(row)
    identity = given.pop("id", None)
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str) or not 0 < len(identity) <= 200:
        raise RecordError(f"第 {line} 行没有 id。", f"Line {line} has no id.", line=line)
    try:
        return BatchBrief(identity, parse_brief(scenario, given), row)
    except BriefError as error:
        raise RecordError(
            f"第 {line} 行：{error.zh}", f"Line {line}: {error.en}", line=line
        ) from None


async def write_batch(
    writer: Writer,
    jobs: list[BatchBrief],
    out: Path,
    *,
    arm: Arm,
    keep: int,
    draws: int,
    seed: int,
    parallel: int = 2,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write every job that ``out`` does not hold yet; return how many were written now.

    A line is appended, whole and on the disk, as soon as its brief is done. What a brief
    gets depends on ``seed`` and on its id, not on its place in the file or on a restart.
    ``tell(done, total)`` is called after every brief.

    Raises:
        FencunError: ``out`` holds answers of another arm, or cannot be written.
        EngineError: the engine failed; what was written stays.
    """
    with Appender(out) as appender:
        waiting = unwritten(jobs, out, arm)
        ready = len(jobs) - len(waiting)
        tell(ready, len(jobs))

        def put(row: Json) -> None:
            nonlocal ready
            appender.write(row)
            ready += 1
            tell(ready, len(jobs))

        await write_jobs(
            writer, waiting, put, arm=arm, keep=keep, draws=draws, seed=seed, parallel=parallel
        )
    return len(waiting)


async def write_jobs(
    writer: Writer,
    jobs: Sequence[BatchBrief],
    put: Callable[[Json], None],
    *,
    arm: Arm,
    keep: int,
    draws: int,
    seed: int,
    parallel: int,
) -> None:
    """Write every job, ``parallel`` at a time, and ``put`` its line as soon as it is done.

    Raises:
        EngineError: the engine failed.
    """
    left = iter(jobs)

    async def work() -> None:
        for job in left:
            writing = await writer.write(
                job.brief, arm=arm, keep=keep, draws=draws, seed=seed_of(seed, job.id)
            )
            put(answer_row(job.id, writing))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(work())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def unwritten(jobs: Sequence[BatchBrief], out: Path, arm: Arm) -> list[BatchBrief]:
    """Return the jobs that ``out`` does not hold; raises as :func:`finished`."""
    done = set(finished(out, arm))
    return [job for job in jobs if job.id not in done]


def finished(out: Path, arm: Arm) -> Iterator[str]:
    """Yield the ids that ``out`` has already; raises :class:`FencunError` for another arm's."""
    for line, row in read_jsonl(out):
        if isinstance(row, RecordError):
            raise row
        if row.get("arm") != arm or not isinstance(row.get("id"), str):
            raise FencunError(
                f"{out} 第 {line} 行不是 {arm} 写的；请换一个 --out 文件。",
                f"{out} line {line} was not written by the arm {arm}; choose another --out file.",
            )
        yield row["id"]


def seed_of(seed: int, identity: str) -> int:
    """Return the seed of a brief's first draw: its place in a file makes no difference."""
    return (seed + zlib.crc32(identity.encode())) % 2**31


def answer_row(identity: str, writing: Writing) -> Json:
    """Return one output line: ``id``, ``arm``, and ``candidates``, best first."""
    return {
        "id": identity,
        "arm": writing.arm,
        "model": writing.model,
        "seed": writing.seed,
        "candidates": [candidate_row(candidate) for candidate in writing.candidates],
    }


def candidate_row(candidate: Candidate) -> Json:
    """Return a candidate as JSON: its text, whether it passed, and every finding."""
    gates: list[dict[str, Any]] = [
        {
            "gate": finding.gate,
            "severity": finding.severity,
            "start": finding.start,
            "end": finding.end,
            "message": str(finding),
        }
        for finding in candidate.findings
    ]
    return {
        "text": candidate.text,
        "passed": candidate.passed,
        "seed": candidate.seed,
        "sendable": candidate.sendable,
        "gates": gates,
    }
