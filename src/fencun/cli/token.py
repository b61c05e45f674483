"""``fencun token``: who may use this server, and for what; and the log of what they did."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.options import AsJson, argument, option, print_json, verb
from fencun.errors import FencunError
from fencun.language import say

if TYPE_CHECKING:
    from fencun.store.tokens import Scope

app = typer.Typer(no_args_is_help=True)

_SCOPES = "write,review,rate"


@verb(app, "发一个令牌，只显示这一次。", "Make a token; it is shown this once.", needs="serve")
def add(
    name: Annotated[str, argument("给谁用：名字", "Whom it is for: a name", metavar="NAME")],
    scope: Annotated[
        str,
        option(
            "能做什么：write、review、rate、host，逗号隔开",
            "What it is good for: write, review, rate, host, with commas between",
        ),
    ] = _SCOPES,
    daily: Annotated[
        int,
        option("每天最多写几次，0 不限", "Writings a day; 0: no limit", min=0),
    ] = 300,
    days: Annotated[
        int | None,
        option("几天后失效", "Days until it runs out", min=1, max=3650),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token."""
    from fencun.store import tokens
    from fencun.store.database import Store

    scopes = _parse(scope)
    lasts = timedelta(days=days) if days else None
    with Store() as store:
        plain = store.write(lambda s: tokens.add(s, name, scopes, daily=daily, lasts=lasts))
    if as_json:
        told = {"name": name, "scopes": scopes, "token": plain, "path": f"/enter#{plain}"}
        print_json(told)
        return
    typer.echo(plain)
    typer.echo(
        say(
            f"这是 {name} 的令牌，只显示这一次。网页：打开 http://这台机器:8765/enter#{plain}\n"
            "程序：请求头 Authorization: Bearer 令牌（OpenAI 客户端填在 api_key）。",
            f"The token of {name}, shown this once. Pages: open "
            f"http://THIS-MACHINE:8765/enter#{plain}\n"
            "Programs: the header Authorization: Bearer TOKEN (api_key of OpenAI's clients).",
        ),
        err=True,
    )


@verb(
    app, "有哪些令牌，各能做什么。", "List the tokens and their scopes.", name="list", needs="serve"
)
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens that are good."""
    from fencun.store import tokens
    from fencun.store.database import Store

    with Store() as store:
        rows = store.read(tokens.listed)
    found = [
        {
            "name": row.name,
            "scopes": row.scopes,
            "daily": row.daily,
            "created": row.created_at.isoformat(timespec="seconds"),
            "expires": row.expires_at.isoformat(timespec="seconds") if row.expires_at else None,
        }
        for row in rows
    ]
    if as_json:
        print_json(found)
    for one in [] if as_json else found:
        until = say(f"到 {one['expires']}", f"until {one['expires']}") if one["expires"] else ""
        typer.echo(f"{one['name']}  {', '.join(one['scopes'])}  {until}".rstrip())  # type: ignore[arg-type]


@verb(app, "作废一个令牌，立刻生效。", "Make a token worthless, at once.", needs="serve")
def revoke(
    name: Annotated[str, argument("令牌的名字", "Its name", metavar="NAME")],
) -> None:
    """Make a token worthless."""
    from fencun.store import tokens
    from fencun.store.database import Store

    with Store() as store:
        store.write(lambda session: tokens.revoke(session, name))
    typer.echo(say(f"{name} 的令牌作废了。", f"The token of {name} is worthless now."))


@verb(
    app,
    "再取一个主持人链接，用一次，一天内有效。",
    "Another link for the host, good once.",
    needs="serve",
)
def link(
    url: Annotated[str, option("服务的地址", "Where the server is")] = "http://127.0.0.1:8765",
) -> None:
    """Print a link that gives the rights of the host, once."""
    from fencun.store import tokens
    from fencun.store.database import Store

    with Store() as store:
        key = store.write(tokens.add_link)
    typer.echo(f"{url.rstrip('/')}/enter?key={key}")


@verb(
    app, "谁在什么时候做了什么，新的在前。", "Who did what and when, newest first.", needs="serve"
)
def log(
    last: Annotated[int, option("最多几行", "Lines at most", min=1, max=100_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the audit log."""
    from fencun.store import audit
    from fencun.store.database import Store

    with Store() as store:
        rows = store.read(lambda session: audit.newest(session, last))
    for row in rows:
        at = row.at.isoformat(timespec="seconds")
        told = {"at": at, "name": row.name, "token": row.token, "action": row.action}
        line = json.dumps(told, ensure_ascii=False) if as_json else ""
        typer.echo(line or f"{at}  {row.name or '-'}  {row.action}")


def _parse(scope: str) -> list["Scope"]:
    from fencun.store.tokens import SCOPES

    asked = {part.strip() for part in scope.split(",") if part.strip()}
    if unknown := asked - set(SCOPES):
        raise FencunError(
            f"没有 {'、'.join(sorted(unknown))} 这种权限；有：{'、'.join(SCOPES)}。",
            f"There is no scope {', '.join(sorted(unknown))}; there are: {', '.join(SCOPES)}.",
        )
    return [known for known in SCOPES if known in asked]
