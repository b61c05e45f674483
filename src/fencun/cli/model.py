"""``fencun model``: which base models there are, fetching one, choosing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fencun.cli.options import AsJson, argument, print_json, progress, verb
from fencun.language import say

if TYPE_CHECKING:
    from fencun.models.catalog import CatalogModel

app = typer.Typer(no_args_is_help=True)


@verb(app, "列出模型：哪些已下载，用的是哪个。", "List the models.", name="list")
def list_models(as_json: AsJson = False) -> None:
    """Print the catalog, what of it is here, and which model is in use."""
    from rich.console import Console
    from rich.table import Table

    from fencun.models.catalog import catalog
    from fencun.models.installed import chosen

    in_use = chosen()
    rows = [_row(entry, in_use) for entry in catalog().models.values()]
    if as_json:
        print_json({"in_use": in_use, "models": rows})
        return
    table = Table(box=None, pad_edge=False)
    for title in (say("模型", "model"), say("大小", "size"), say("内存", "memory"), "", ""):
        table.add_column(title, no_wrap=title != "")
    for row in rows:
        state = say("使用中", "in use") if row["in_use"] else ""
        state = state or (say("已下载", "fetched") if row["fetched"] else "")
        table.add_row(
            row["name"], _gb(row["size"]), f"{row['memory_gib']:g} GiB", state, row["about"]
        )
    Console().print(table)
    if in_use not in catalog().models:
        typer.echo(say(f"使用中：{in_use}", f"In use: {in_use}"))


@verb(app, "下载一个模型，能断点续传，核对哈希。", "Fetch a model; resumes, verifies.")
def fetch(
    name: Annotated[str | None, argument("模型名", "Model name")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch one model of the catalog; the default one where no name is given."""
    from fencun.models.catalog import catalog
    from fencun.models.fetch import fetch as bring

    entry = catalog().find(name or catalog().default)
    with progress(entry.name, in_bytes=True) as tell:
        got = bring(
            entry,
            report=lambda at: tell(at.done, at.total or 0, at.source),
            notice=lambda text: typer.echo(text, err=True),
        )
    if as_json:
        print_json(
            {
                "name": entry.name,
                "path": str(got.path),
                "sha256": got.sha256,
                "pinned": got.pinned,
                "source": got.source,
            }
        )
        return
    typer.echo(say(f"好了：{got.path}", f"Done: {got.path}"))
    if got.pinned:
        typer.echo(say("哈希与目录一致。", "The hash is the one in the catalog."))
    else:
        typer.echo(
            say(
                f"目录里没有这个文件的哈希，没法核对；得到的是 {got.sha256}。",
                f"The catalog pins no hash for this file; it is {got.sha256}.",
            )
        )


@verb(app, "看一个模型的详情。", "Show one model.")
def info(
    name: Annotated[str | None, argument("模型名", "Model name")] = None,
    as_json: AsJson = False,
) -> None:
    """Print all that is known of a model; of the one in use where no name is given."""
    from fencun.models.catalog import catalog
    from fencun.models.installed import chosen, locate, path_of, receipt_of

    wanted = name or chosen()
    if wanted.lower().endswith(".gguf"):
        found = locate(wanted)
        facts: dict[str, Any] = {"name": found.name, "path": str(found.path), "fetched": True}
        facts["size"] = found.path.stat().st_size
    else:
        entry = catalog().find(wanted)
        facts = _row(entry, chosen()) | {
            "file": entry.file,
            "repository": entry.repository,
            "sha256": entry.sha256,
            "path": str(path_of(entry)),
            "receipt": receipt_of(path_of(entry)),
        }
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if value is not None:
            typer.echo(f"{key:12} {value}")


@verb(app, "选用一个模型：目录里的名字，或本地 .gguf 文件。", "Choose the model to use.")
def use(
    name: Annotated[str, argument("模型名或 .gguf 路径", "Model name or path of a .gguf")],
    as_json: AsJson = False,
) -> None:
    """Make a model the one in use."""
    import os

    from fencun.models.installed import use as choose

    found = choose(name)
    if as_json:
        print_json({"name": found.name, "path": str(found.path)})
        return
    typer.echo(say(f"以后用 {found.name}：{found.path}", f"In use now: {found.name}, {found.path}"))
    if os.environ.get("FENCUN_MODEL"):
        typer.echo(
            say("注意：环境变量 FENCUN_MODEL 优先。", "Mind: FENCUN_MODEL goes before."), err=True
        )


def _row(entry: CatalogModel, in_use: str) -> dict[str, Any]:
    from fencun.models.installed import is_fetched

    return {
        "name": entry.name,
        "parameters": entry.parameters,
        "size": entry.size,
        "memory_gib": entry.memory_gib,
        "license": entry.license,
        "fetched": is_fetched(entry),
        "in_use": entry.name == in_use,
        "about": entry.about,
    }


def _gb(size: int | None) -> str:
    return "?" if size is None else f"{size / 1e9:.1f} GB"
