"""``fencun eval ballot``: open the ballot box, see who came, take paper votes, close it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fencun.cli import ballot_seats
from fencun.cli.options import AsJson, argument, option, print_json, verb
from fencun.errors import FencunError
from fencun.language import say

app = typer.Typer(no_args_is_help=True, help=say("盲评：开票箱、看进度、收票。", "Blind votes."))
app.add_typer(ballot_seats.app)

_WHICH = say("实验的名字或文件夹；默认最新的", "Study: its name or folder (default: the newest)")
Which = Annotated[str | None, typer.Argument(help=_WHICH)]
_NEEDS = "evaluate"


@verb(
    app,
    "打开投票，给出发给评审人的链接；已经开着的，给出原来的链接。",
    "Open the vote and print the link for raters; the same link if it is open already.",
    name="open",
    needs=_NEEDS,
)
def open_box(
    study: Which = None,
    ballots: Annotated[
        int, option("每位评审人几张选票", "Ballots for each rater", min=4, max=200)
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Open the poll of a study."""
    from fencun.evaluate import polling
    from fencun.evaluate.find import find_study
    from fencun.store.database import Store

    found = find_study(study)
    with Store() as store:
        poll = store.write(lambda session: polling.open_poll(session, found, ballots=ballots))
    if as_json:
        path = f"/ballot/{poll.code}"
        print_json({"study": found.name, "path": path, "ballots": poll.ballots})
        return
    typer.echo(
        say(
            f"实验 {found.name} 开始投票，每人 {poll.ballots} 张。\n"
            f"打开网页服务：fencun serve（给别人用：fencun serve --host 0.0.0.0）\n"
            f"发给评审人：http://这台机器:8765/ballot/{poll.code}",
            f"Study {found.name} is open, {poll.ballots} ballots each.\n"
            f"Serve the page: fencun serve (for others: fencun serve --host 0.0.0.0)\n"
            f"Send raters: http://THIS-MACHINE:8765/ballot/{poll.code}",
        )
    )


@verb(
    app,
    "看各次投票来了几个人、投了几票。",
    "List the polls: how many came, how many voted.",
    name="list",
    needs=_NEEDS,
)
def list_boxes(as_json: AsJson = False) -> None:
    """Print the turnout of every poll."""
    from fencun.evaluate import polling
    from fencun.store.database import Store

    with Store() as store:
        turnouts = store.read(polling.turnouts)
    rows: list[dict[str, Any]] = [
        {
            "study": one.poll.study,
            "path": f"/ballot/{one.poll.code}",
            "closed": one.poll.closed_at is not None,
            "raters": one.raters,
            "votes": one.votes,
            "ballots": one.ballots,
        }
        for one in turnouts
    ]
    if as_json:
        print_json(rows)
    for row in [] if as_json else rows:
        state = say("已结束", "closed") if row["closed"] else row["path"]
        typer.echo(
            say(
                f"{row['study']}  {row['raters']} 人  {row['votes']}/{row['ballots']} 票  {state}",
                f"{row['study']}  {row['raters']} raters  "
                f"{row['votes']}/{row['ballots']} votes  {state}",
            )
        )


@verb(
    app,
    "结束投票：链接作废，已经投的都算数。",
    "Close the vote: the link ends, the votes that are in count.",
    name="close",
    needs=_NEEDS,
)
def close_box(study: Which = None) -> None:
    """Close the poll of a study and freeze its votes into the folder."""
    from fencun.evaluate import polling
    from fencun.evaluate.collect import collect
    from fencun.evaluate.find import find_study
    from fencun.store.database import Store

    found = find_study(study)
    with Store() as store:
        fingerprint = found.registration.fingerprint
        closed = store.write(lambda session: polling.close_poll(session, fingerprint))
        votes = collect(found, store)
    if not closed:
        raise FencunError(
            f"实验 {found.name} 没有开着的投票。", f"Study {found.name} has no open poll."
        )
    typer.echo(
        say(
            f"投票结束，{votes} 票存进了 {found.folder}。看结论：fencun eval verdict {found.name}",
            f"Closed; {votes} votes are in {found.folder}. Next: fencun eval verdict {found.name}",
        )
    )


@verb(
    app,
    "给用纸笔或表格的人导出选票（CSV，Excel 打得开）。",
    "Write ballots for people who vote on paper or in a spreadsheet (CSV).",
    needs=_NEEDS,
)
def export(
    path: Annotated[Path, argument("写到哪个 CSV 文件", "CSV file to write")],
    study: Annotated[str | None, typer.Option(help=_WHICH)] = None,
    raters: Annotated[int, option("几位评审人", "Number of raters", min=1, max=200)] = 1,
) -> None:
    """Draw ballots for some raters and write them as CSV."""
    from sqlalchemy.orm import Session

    from fencun.evaluate import paper, polling
    from fencun.evaluate.find import find_study
    from fencun.store.database import Store

    found = find_study(study)

    def drawn(session: Session) -> int:
        poll = polling.open_poll(session, found)
        return paper.export_ballots(session, poll, path, raters)

    with Store() as store:
        count = store.write(drawn)
    typer.echo(
        say(
            f"{raters} 人份、{count} 张选票写进 {path}。“选择”一栏填 左好、右好、一样好 或 都不行，"
            f"收回来：fencun eval ballot import {path}",
            f"{count} ballots for {raters} raters are in {path}. Fill in 选择 (left, right, tie, "
            f"neither), then: fencun eval ballot import {path}",
        )
    )


@verb(
    app,
    "收纸面票：填好的 CSV 读进来；同一份读两遍只算一遍。",
    "Take in paper votes from the filled CSV; the same file twice counts once.",
    name="import",
    needs=_NEEDS,
)
def import_votes(
    path: Annotated[Path, argument("填好的 CSV 文件", "The CSV, filled in")],
    as_json: AsJson = False,
) -> None:
    """Read a filled CSV of ballots; bad lines are named and cost no good one."""
    from fencun.evaluate import paper
    from fencun.store.database import Store

    with Store() as store:
        got = store.write(lambda session: paper.import_ballots(session, path))
    if as_json:
        errors = [str(error) for error in got.errors]
        print_json({"taken": got.taken, "blank": got.blank, "errors": errors})
    else:
        for error in got.errors:
            typer.secho(str(error), fg="yellow", err=True)
        typer.echo(
            say(
                f"收下 {got.taken} 票，{got.blank} 张没填，{len(got.errors)} 行读不了。",
                f"{got.taken} votes taken, {got.blank} blank, {len(got.errors)} lines unreadable.",
            )
        )
    if got.errors:
        raise typer.Exit(1)
