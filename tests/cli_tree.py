"""Print, as JSON, every command of the command line with its help, in the language asked for.

Run as a program: help texts are chosen when a verb's module is imported.
"""

import json
from collections.abc import Iterator
from typing import Any

import typer.main

from fencun.cli import VERBS, app_for


def typed(parameter: Any) -> list[str]:
    """Return what one could type for a parameter that is required: a 1 is a number and a name."""
    return ["1"] if parameter.param_type_name == "argument" else [parameter.opts[0], "1"]


def walk(command: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``command`` and all below it: its path, its help page, its parameters' helps."""
    context = command.make_context(path, [], resilient_parsing=True)
    parameters = {p.name: getattr(p, "help", None) for p in command.params if p.name != "help"}
    filled = [word for p in command.params if p.required for word in typed(p)]
    yield path, {"page": command.get_help(context), "parameters": parameters, "typed": filled}
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, f"{path} {name}")


def tree() -> dict[str, dict[str, Any]]:
    """Return the whole tree, every verb loaded, by the path of the command."""
    root = typer.main.get_command(app_for(["--help"]))
    found = {"fencun": next(walk(root, "fencun"))[1]}
    for verb in VERBS:
        loaded = typer.main.get_command(app_for([verb]))
        found |= walk(loaded.commands[verb], f"fencun {verb}")  # type: ignore[attr-defined]
    return found


if __name__ == "__main__":
    print(json.dumps(tree(), ensure_ascii=False))  # noqa: T201
