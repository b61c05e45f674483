"""``fencun tune recipe``: the same recipe on a bigger base, told and, if asked, run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fencun.cli.options import AsJson, ScenarioName, option, print_json
from fencun.cli.tune_progress import teller
from fencun.language import say
from fencun.tune.machine import settle_threads

if TYPE_CHECKING:
    from fencun.tune.recipe import Recipe

_GIB = 1 << 30


def recipe(
    base: Annotated[
        str,
        option("底座，如 qwen3-4b、qwen3-8b", "Base: qwen3-4b, qwen3-8b …"),
    ],
    out: Annotated[Path | None, option("写到哪个文件夹", "Folder to write")] = None,
    engine: Annotated[
        str,
        option(
            "auto、fencun 或 llamafactory；auto 看这台机器放不放得下",
            "auto, fencun or llamafactory; auto looks whether there is room here",
        ),
    ] = "auto",
    preset: Annotated[str, option("档位：tiny、quick、full", "tiny, quick or full")] = "full",
    scenario: ScenarioName = "",
    run: Annotated[bool, option("就在这台机器上跑", "Run it, on this machine", "--run")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the options for a bigger base, and tell or run what is to be typed."""
    settle_threads()
    from fencun.home import runs_dir
    from fencun.tune import recipe as recipes
    from fencun.tune.runs.processes import occupy

    folder = out or runs_dir() / "recipes" / Path(base).name
    made = recipes.make_recipe(base, folder, scenario=scenario, preset=preset, engine=engine)
    path = recipes.write_recipe(made)
    told = recipes.commands(made)
    if as_json and not run:
        print_json(
            {
                "recipe": str(path), "engine": made.engine, "options": made.options,
                "memory": made.memory, "room": made.room, "fits": made.fits, "commands": told,
            }
        )  # fmt: skip
        return
    if not run:
        _show(made, path, told)
        return
    occupy(folder / recipes.RUN)
    manifest = recipes.run_recipe(made, teller())
    if as_json:
        print_json(manifest)
        return
    adapter = folder / recipes.ADAPTER
    typer.echo(say(f"训练好了，适配器在 {adapter}。", f"Done; the adapter is in {adapter}."))


def _show(made: "Recipe", path: Path, told: list[str]) -> None:
    need, room = made.memory / _GIB, made.room / _GIB
    fits = say("放得下", "it fits") if made.fits else say("放不下", "it does not fit")
    typer.echo(
        say(
            f"# 在这台机器上训练按大小推算要 {need:.0f} GiB，这里有 {room:.0f} GiB：{fits}。",
            f"# To train here takes {need:.0f} GiB, reckoned from its size, "
            f"of {room:.0f} GiB: {fits}.",
        )
    )
    typer.echo(
        say(
            f"# 配方 {path}，用旗舰数据；写得怎样，读过才知道（最后两行）。",
            f"# The recipe {path} takes the flagship data; how it writes, reading will tell.",
        )
    )
    typer.echo(path.read_text(encoding="utf-8"))
    for command in told:
        typer.echo(command)
