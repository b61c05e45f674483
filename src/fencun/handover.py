"""Many briefs by way of a Batch service: requests to a file, and results from one.

A ``custom_id`` tells which draw of which brief it is, and what it was asked; the files are those
of models/batchfile.py.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fencun import files
from fencun.batch import BatchBrief, answer_row, finished, seed_of
from fencun.errors import EngineError, FencunError
from fencun.files import Appender, Json
from fencun.language import say
from fencun.models import batchfile
from fencun.models.engine import Completion
from fencun.prompt import Arm, parse_arm
from fencun.writer import EXAMPLES, Prompt, Writer, Writing

_PARTS = 5  # dots in a custom_id before the brief's own id, which may hold any
_AT_ONCE = 256  # lines that are put on the disk together: what is lost is soon made again


@dataclass(frozen=True, slots=True)
class DrawId:
    """What a ``custom_id`` says: draw ``draw`` of ``draws`` for a brief, from ``seed`` on.

    ``digest`` is that of the scenario, the model and the chat: what was asked.
    """

    arm: str
    draws: int
    draw: int
    seed: int
    digest: str
    id: str

    def __str__(self) -> str:
        return f"{self.arm}.{self.draws}.{self.draw}.{self.seed}.{self.digest}.{self.id}"


@dataclass(slots=True)
class HandOverResult:
    """What came of results: how many briefs were ``written`` now, the ids of those that still
    wait for draws, and why rows were not taken, with their counts."""

    written: int = 0
    waiting: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


def hand_out(
    writer: Writer,
    jobs: Sequence[BatchBrief],
    path: Path,
    *,
    arm: Arm,
    model: str,
    draws: int,
    seed: int,
) -> int:
    """Write ``draws`` requests for each of ``jobs`` to ``path``; return how many there are.

    ``model`` is the id under which the service knows the model that answers for ``arm``. The
    file takes its place in one step, when it is whole.

    Raises:
        FencunError: it cannot be written; what was there is untouched.
    """

    def requests() -> Iterator[Json]:
        for job in jobs:
            decoding = writer.sampling(job.brief, arm)
            for drawn, prompt in _asked(writer, job, arm, draws, seed_of(seed, job.id)):
                seeded = replace(decoding, seed=drawn.seed + drawn.draw)
                yield batchfile.request(
                    str(drawn), prompt.chat, seeded, model=model, known_as=writer.engine.name
                )

    return files.write_jsonl(path, requests())


def _asked(
    writer: Writer, job: BatchBrief, arm: str, draws: int, seed: int
) -> Iterator[tuple[DrawId, Prompt]]:
    """Yield every draw of a brief with its prompt, in order."""
    draw = 0
    for prompt in writer.prompts(job.brief, parse_arm(arm), draws):
        asked = [job.brief.scenario.name, writer.engine.name, prompt.chat]
        digest = files.sha256_json(asked)[:12]
        for _ in range(prompt.draws):
            yield DrawId(arm, draws, draw, seed, digest, job.id), prompt
            draw += 1


async def bring_back(
    writer: Writer,
    jobs: Sequence[BatchBrief],
    results: Sequence[Path],
    out: Path,
    *,
    keep: int,
    requests: Path | None = None,
) -> HandOverResult:
    """Gate and rank what came back for ``jobs``, and append it to ``out``, a line a brief.

    A brief is written once every draw of it has come back, as a text or as an error; briefs
    that ``out`` has already stay as they are. Of results of several hand-outs the first that
    is whole counts. ``requests`` is the file that was handed out: what was changed in it is
    noticed.

    Raises:
        FencunError: a file cannot be read or written, or ``out`` holds another arm.
    """
    brought = HandOverResult()
    returned = _read(results, brought, requests)
    arms = {drawn.arm for rows in returned.values() for drawn in rows}
    if len(arms) > 1:
        raise FencunError(
            f"结果里混着几种写法（{'、'.join(sorted(arms))}），请一次收一种。",
            f"The results mix several arms ({', '.join(sorted(arms))}); bring back one at a time.",
        )
    with Appender(out) as appender:
        done = {identity for arm in arms for identity in finished(out, parse_arm(arm))}
        lines: list[Json] = []
        for job in jobs:
            rows = returned.pop(job.id, {})
            if job.id in done:
                continue
            if writing := await _written(writer, job, rows, keep, brought):
                lines.append(answer_row(job.id, writing))
            else:
                brought.waiting.append(job.id)
            if len(lines) == _AT_ONCE:
                appender.write(*lines)
                brought.written += len(lines)
                lines.clear()
        appender.write(*lines)
        brought.written += len(lines)
    if left := sum(map(len, returned.values())):
        brought.refused[say("需求文件里没有这个 id", "no such id among the briefs")] += left
    return brought


async def _written(
    writer: Writer,
    job: BatchBrief,
    rows: dict[DrawId, Completion | None],
    keep: int,
    brought: HandOverResult,
) -> Writing | None:
    """Return what came of a brief; None where draws are missing, strange, or all in error."""
    writing = None
    for arm, draws, seed in dict.fromkeys((row.arm, row.draws, row.seed) for row in rows):
        asked = dict(_asked(writer, job, arm, draws, seed))
        mine = [row for row in rows if (row.arm, row.draws, row.seed) == (arm, draws, seed)]
        if strange := len(set(mine) - asked.keys()):
            reason = say(
                "不是这条需求、这个场景或这个模型的结果（需求或请求改过？）",
                "not of this brief, scenario or model (was the brief or a request edited?)",
            )
            brought.refused[reason] += strange
        if writing is not None or any(drawn not in rows for drawn in asked):
            continue
        candidates = [
            writer.judge(job.brief, completion, seed + drawn.draw, prompt.shown)
            for drawn, prompt in asked.items()
            if (completion := rows[drawn]) is not None
        ]
        if kept := await writer.choose(job.brief, candidates, keep):
            near = tuple(writer.nearest(job.brief, EXAMPLES))
            model = writer.engine.name
            writing = Writing(job.brief, parse_arm(arm), model, seed, kept, draws, near)
    return writing


def _read(
    paths: Sequence[Path], brought: HandOverResult, requests: Path | None
) -> dict[str, dict[DrawId, Completion | None]]:
    """Return what came back by brief, None for an error; of duplicates the first text counts."""
    returned: dict[str, dict[DrawId, Completion | None]] = defaultdict(dict)
    for drawn, told in batchfile.results(paths, brought.refused, _drawn, requests):
        rows = returned[drawn.id]
        if rows.get(drawn) is None:
            rows[drawn] = None if isinstance(told, EngineError) else told
    return returned


def _drawn(custom_id: str) -> DrawId | None:
    parts = custom_id.split(".", _PARTS)
    if len(parts) != _PARTS + 1:
        return None
    arm, draws, draw, seed, digest, identity = parts
    try:
        drawn = DrawId(parse_arm(arm), int(draws), int(draw), int(seed), digest, identity)
    except (FencunError, ValueError):
        return None
    return drawn if 0 <= drawn.draw < drawn.draws <= 1000 and str(drawn) == custom_id else None
