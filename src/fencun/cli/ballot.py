"""``fencun eval ballot``: open the ballot box, see who came, take paper votes, close it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from fencun.errors import FencunError
from fencun.language import say

app = typer.Typer(no_args_is_help=True, help=say("盲评：开票箱、看进度、收票。", "Blind votes."))

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON")]
Which = Annotated[str | None, typer.Argument(help="实验的名字或文件夹；默认最新的")]


@app.command("open")
def open_box(
    study: Which = None,
    ballots: Annotated[int, typer.Option(min=4, max=200, help="每位评审人几张选票")] = 30,
    as_json: AsJson = False,
) -> None:
    """打开投票，给出发给评审人的链接；已经开着的，给出原来的链接。"""
    from fencun.evaluate import voting
    from fencun.evaluate.study import find_study
    from fencun.store.database import Store

    found = find_study(study)
    with Store() as store:
        poll = store.write(lambda session: voting.open_poll(session, found, ballots=ballots))
    if as_json:
        told = {"study": found.name, "path": f"/ballot/{poll.code}", "ballots": poll.ballots}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
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


@app.command("list")
def list_boxes(as_json: AsJson = False) -> None:
    """看各次投票来了几个人、投了几票。"""
    from fencun.evaluate import voting
    from fencun.store.database import Store

    with Store() as store:
        turnouts = store.read(voting.turnouts)
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
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    for row in [] if as_json else rows:
        state = say("已结束", "closed") if row["closed"] else row["path"]
        typer.echo(
            say(
                f"{row['study']}  {row['raters']} 人  {row['votes']}/{row['ballots']} 票  {state}",
                f"{row['study']}  {row['raters']} raters  "
                f"{row['votes']}/{row['ballots']} votes  {state}",
            )
        )


@app.command("close")
def close_box(study: Which = None) -> None:
    """结束投票：链接作废，已经投的都算数。"""
    from fencun.evaluate import voting
    from fencun.evaluate.collect import collect
    from fencun.evaluate.study import find_study
    from fencun.store.database import Store

    found = find_study(study)
    with Store() as store:
        fingerprint = found.registration.fingerprint
        closed = store.write(lambda session: voting.close_poll(session, fingerprint))
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


@app.command("export")
def export(
    path: Annotated[Path, typer.Argument(help="写到哪个 CSV 文件")],
    study: Annotated[str | None, typer.Option(help="实验的名字或文件夹；默认最新的")] = None,
    raters: Annotated[int, typer.Option(min=1, max=200, help="几位评审人")] = 1,
) -> None:
    """给用纸笔或表格的人导出选票（CSV，Excel 打得开）。"""
    from sqlalchemy.orm import Session

    from fencun.evaluate import paper, voting
    from fencun.evaluate.study import find_study
    from fencun.store.database import Store

    found = find_study(study)

    def drawn(session: Session) -> int:
        poll = voting.open_poll(session, found)
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


@app.command("import")
def import_votes(
    path: Annotated[Path, typer.Argument(help="填好的 CSV 文件")], as_json: AsJson = False
) -> None:
    """收纸面票：填好的 CSV 读进来；同一份读两遍只算一遍。"""
    from fencun.evaluate import paper
    from fencun.store.database import Store

    with Store() as store:
        got = store.write(lambda session: paper.import_ballots(session, path))
    if as_json:
        told = {"taken": got.taken, "blank": got.blank, "errors": [str(e) for e in got.errors]}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
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
