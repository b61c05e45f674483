"""``fencun tune compare``: two adapters on one brief."""

from typing import Annotated

import typer

from fencun.cli.fields import read_pairs
from fencun.cli.options import AsJson, ScenarioName, argument, option, print_json
from fencun.language import enumerated, say


def compare(
    sides: Annotated[
        list[str],
        argument("微调或适配器的文件夹；base 是底座本身", "Runs or adapters; base is none"),
    ],
    asked: Annotated[
        list[str] | None, option("需求：字段=内容", "Brief: field=value", "--ask")
    ] = None,
    base: Annotated[str, option("底座", "Base", "--base")] = "",
    scenario: ScenarioName = "",
    as_json: AsJson = False,
) -> None:
    """Have each side write greedily for the brief (default: the scenario's example)."""
    from fencun.brief import parse_brief
    from fencun.scenario import load_scenario
    from fencun.tune.machine import settle_threads

    settle_threads()
    from fencun.tune.compare import compare as write_all

    declared = load_scenario(scenario)
    brief = parse_brief(declared, read_pairs(asked, "--ask") if asked else declared.whole_example)
    written = write_all(sides, brief, base)
    if as_json:
        rows = [
            {
                "name": one.name,
                "text": one.text,
                "findings": [
                    {"gate": f.gate, "severity": f.severity, "message": str(f)}
                    for f in one.findings
                ],
            }
            for one in written
        ]
        print_json(rows)
        return
    for one in written:
        faults = enumerated(str(f) for f in one.findings if f.severity == "fault")
        typer.echo(f"── {one.name}\n{one.text}\n{faults or say('过关', 'passes')}")
