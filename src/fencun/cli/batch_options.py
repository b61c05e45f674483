"""``--to-batch`` and ``--from-batch``: model calls by way of a Batch service."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.options import option
from fencun.errors import BriefError, FencunError
from fencun.language import enumerated, say

if TYPE_CHECKING:
    from fencun.batch import BatchBrief
    from fencun.models.batchfile import BatchFile
    from fencun.scenario import Scenario

ToBatch = Annotated[
    Path | None,
    option(
        "不问模型：把还没有答案的请求写成 Batch 服务的文件",
        "Ask no model: write what has no answer yet as requests for a Batch service",
        "--to-batch",
    ),
]
FromBatch = Annotated[
    list[Path] | None,
    option(
        "收回 Batch 服务的结果，可多次；不全也行，剩下的再交",
        "Take results of a Batch service back, may be repeated; they need not be complete",
        "--from-batch",
    ),
]
Requests = Annotated[
    Path | None,
    option(
        "交出去的请求文件：收结果时看里面有没有改过的，改过的不收",
        "The file that was handed out: results of requests that were edited in it are not taken",
        "--requests",
    ),
]


def open_batch(
    kind: str, to_batch: Path | None, from_batch: list[Path] | None, requests: Path | None
) -> "BatchFile | None":
    """Return what the options ask for; None where none is given."""
    from fencun.models.batchfile import BatchFile

    check_requests(from_batch, requests)
    return BatchFile(kind, from_batch or (), requests) if to_batch or from_batch else None


def check_requests(from_batch: list[Path] | None, requests: Path | None) -> None:
    """Refuse ``--requests`` where no results come back; raises :class:`typer.BadParameter`."""
    if requests and not from_batch:
        raise typer.BadParameter(
            say("--requests 要和 --from-batch 一起用。", "--requests needs --from-batch.")
        )


def tell_batch(batch: "BatchFile", to_batch: Path | None, from_batch: list[Path] | None) -> None:
    """Write the requests that are open to ``to_batch``, and say what was not taken.

    Raises:
        FencunError: requests are open, and no file to write them to was named.
    """
    from fencun.files import write_jsonl

    refused = batch.refused.copy()
    if batch.strange and from_batch:
        refused[
            say(
                "不是这次问的（场景、数据、模型或请求改过？）",
                "not asked for here (was the scenario, the data, the model or a request edited?)",
            )
        ] = batch.strange
    _tell_refused(refused)
    count = len(batch.requests)
    if to_batch:
        write_jsonl(to_batch, batch.requests)
        _tell_handed_out(count, to_batch)
    elif count:
        raise FencunError(
            f"还有 {count} 个没有答案；结果到了再收一次，或用 --to-batch 把剩下的再交出去。",
            f"{count} have no answer yet; run this again when their results are there, or hand "
            "the rest out with --to-batch.",
        )


def _tell_refused(refused: Counter[str]) -> None:
    for reason, count in refused.most_common():
        told = say(f"{count} 行没有收：{reason}", f"{count} rows not taken: {reason}")
        typer.secho(told, fg="yellow", err=True)


def _tell_handed_out(count: int, path: Path) -> None:
    told = say(
        f"{count} 个请求在 {path}；交给 Batch 服务，结果回来后用 --from-batch 收。",
        f"{count} requests are in {path}; give them to a Batch service, and take its "
        "results back with --from-batch.",
    )
    typer.secho(told, err=True)


async def hand_out_briefs(
    scenario: "Scenario", jobs: "list[BatchBrief]", path: Path, arm: str | None, keep: int,
    draws: int | None, seed: int, model: str | None,
) -> None:  # fmt: skip
    """Write the requests of ``jobs`` to ``path``: by the arm named, or the one that is usual."""
    from fencun.handover import hand_out
    from fencun.models.open import tuned_model
    from fencun.open_writer import open_writer
    from fencun.prompt import ADAPTED

    async with open_writer(scenario, model=model) as writer:
        chosen = writer.arm(arm)
        tuned = tuned_model() if chosen in ADAPTED else ""
        count = hand_out(
            writer, jobs, path, arm=chosen, model=tuned or writer.engine.name,
            draws=draws or writer.draws_for(keep), seed=seed,
        )  # fmt: skip
    _tell_handed_out(count, path)


async def bring_back_briefs(
    scenario: "Scenario", jobs: "list[BatchBrief]", results: list[Path], requests: Path | None,
    out: Path, keep: int, model: str | None,
) -> None:  # fmt: skip
    """Take results for ``jobs`` back to ``out``, and say what was not taken.

    Raises:
        FencunError: draws of some briefs are missing.
    """
    from fencun.handover import bring_back
    from fencun.open_writer import open_writer

    async with open_writer(scenario, model=model) as writer:
        brought = await bring_back(writer, jobs, results, out, keep=keep, requests=requests)
    _tell_refused(brought.refused)
    typer.echo(
        say(
            f"收回 {brought.written} 条需求，结果在 {out}。",
            f"Brought {brought.written} briefs back to {out}.",
        )
    )
    if brought.waiting:
        first = enumerated(brought.waiting[:5])
        raise BriefError(
            f"还有 {len(brought.waiting)} 条需求没收齐（{first}…）；结果到了再运行一次，只补这些。",
            f"{len(brought.waiting)} briefs are not complete ({first}…); run this again when "
            "their results are there, to add just those.",
        )
