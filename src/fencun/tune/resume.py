"""Go on with a run, whoever began it: the own loop or LLaMA-Factory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fencun.tune import session
from fencun.tune.config import from_mapping
from fencun.tune.loop import Look, Tick


def resume(folder: Path, tell: Callable[[Tick | Look], None] = lambda _: None) -> dict[str, Any]:
    """Go on with the run in ``folder``; return its manifest.

    Raises:
        FencunError: no run was begun there, or it is finished.
    """
    begun = folder / session.CONFIG
    facts = json.loads(begun.read_text(encoding="utf-8")) if begun.exists() else {}
    if facts.get("engine") == "llamafactory":
        from fencun.tune.factory import train

        return train(folder, from_mapping(facts["resolved"]), given=facts["given"], tell=tell)
    return session.resume(folder, tell)
