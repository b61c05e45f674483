"""``fencun data pairs``: what people chose, liked and mended, as preference pairs."""

from pathlib import Path
from typing import Annotated

import typer

from fencun.cli.options import AsJson, ScenarioName, option, print_json, verb
from fencun.errors import FencunError
from fencun.language import enumerated, say
from fencun.scenario import load_scenario

app = typer.Typer()


@verb(
    app,
    "飞轮：赞和踩、改过的、投过的，变成偏好对（过关卡，绝不用测试需求）。",
    "The flywheel: what people liked, mended and voted for as preference pairs; "
    "through the gates, never from test briefs.",
    needs="evaluate",
)
def pairs(
    out: Annotated[Path, option("写到哪个文件夹", "Folder to write")],
    scenario: ScenarioName = "",
    style: Annotated[str, option("trl 或 llamafactory", "trl or llamafactory", "--format")] = "trl",
    study: Annotated[
        list[str] | None,
        option("连这些实验的票一起，可多次", "Also the votes of these studies, may be repeated"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Gather the pairs from the store and from studies, and write those one may learn from."""
    from fencun.evaluate.find import find_study
    from fencun.evaluate.pairs import FORMATS, from_votes, from_writings, harvest, write_pairs
    from fencun.store.database import Store

    chosen = next((known for known in FORMATS if known == style), None)
    if chosen is None:
        raise FencunError(
            f"没有“{style[:24]}”这个格式；可选：{'、'.join(FORMATS)}。",
            f"There is no format {style[:24]!r}; choose from {', '.join(FORMATS)}.",
        )
    declared = load_scenario(scenario)
    found = [pair for name in study or () for pair in from_votes(find_study(name))]
    with Store() as store:
        found += store.read(lambda session: list(from_writings(session, declared)))
    manifest = write_pairs(out, harvest(declared, found), chosen)
    if as_json:
        print_json(manifest)
        return
    refused = enumerated(f"{reason} {count}" for reason, count in manifest["refused"].items())
    typer.echo(
        say(
            f"{manifest['pairs']} 对偏好在 {out}，{manifest['seeds_for_review']} 条新种子待审"
            f"{f'；没要的：{refused}' if refused else ''}。",
            f"{manifest['pairs']} pairs in {out}, {manifest['seeds_for_review']} seeds to review"
            f"{f'; refused: {refused}' if refused else ''}.",
        )
    )
