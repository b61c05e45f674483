"""Preflight in a process of its own, and what the last one found. Nothing here needs torch."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from fencun import files
from fencun.errors import FencunError
from fencun.language import say
from fencun.tune.runs.processes import tuning_dir

_PLAN = "plan.json"


async def plan(options: Sequence[str]) -> dict[str, Any]:
    """Run ``fencun tune plan`` with ``options``; return and keep what it found.

    Raises:
        FencunError: it failed; says what it said.
    """
    found = await ask(["tune", "plan", "--json", *options])
    kept = {**found, "at": time.time(), "options": list(options)}
    files.write_json(tuning_dir() / _PLAN, kept)
    return kept


def last_plan() -> dict[str, Any] | None:
    """Return what the last preflight found; None where there was none."""
    try:
        kept = json.loads((tuning_dir() / _PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and "estimates" in kept else None


async def ask(arguments: Sequence[str]) -> Any:
    """Run a command of ours that prints JSON and return that; it dies with the caller's task.

    Raises:
        FencunError: it failed; says what it said.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fencun", *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, errors = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        said = errors.decode(errors="replace").strip().splitlines()
        why = (
            said[-1].partition(say("：", ": "))[2] or said[-1] if said else str(process.returncode)
        )
        raise FencunError(why, why)
    return json.loads(out)
