"""Who trains: the own loop over samples or over pairs, or LLaMA-Factory. Started, or gone on with.

A trainer takes the run's folder, its options, what was asked for, and whom to tell.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fencun.errors import FencunError
from fencun.tune.config import PRESETS, from_mapping
from fencun.tune.runs import session
from fencun.tune.runs.loop import Look, Tick

Tell = Callable[[Tick | Look], None]
Trainer = Callable[..., dict[str, Any]]

ENGINES = ("fencun", "llamafactory")
METHODS = ("sft", "dpo")


def choose_trainer(engine: str, method: str, *, adapter: str = "", pairs: str = "") -> Trainer:
    """Return who trains.

    Raises:
        FencunError: there is no such engine or method, they do not go together, or dpo lacks
            the adapter to start from or the pairs.
    """
    for kind, zh, wanted, known in (
        ("engine", "引擎", engine, ENGINES),
        ("method", "方法", method, METHODS),
    ):
        if wanted not in known:
            raise FencunError(
                f"没有{zh} {wanted[:24]}；可选：{'、'.join(known)}。",
                f"There is no {kind} {wanted[:24]!r}; choose from {', '.join(known)}.",
            )
    if method == "sft":
        return session.tune if engine == "fencun" else _elsewhere()
    if engine != "fencun":
        raise FencunError(
            "dpo 只有分寸自己的循环能跑；要用 LLaMA-Factory，用 fencun data pairs 导出偏好对。",
            "Only Fencun's own loop runs dpo; for LLaMA-Factory export the pairs with "
            "fencun data pairs.",
        )
    if not adapter or not pairs:
        raise FencunError(
            "dpo 要用 --adapter 说从哪个适配器起步，用 --pairs 给偏好对。",
            "dpo needs --adapter to start from and --pairs to learn from.",
        )
    from fencun.tune.objectives.dpo_run import Preference, prefer

    preference = Preference(str(Path(adapter).resolve()), str(Path(pairs).resolve()))
    return partial(prefer, preference=preference)


def starting_options(method: str, preset: str) -> dict[str, Any]:
    """Return the options that a run begins with, before those that the user gives.

    Raises:
        FencunError: there is no such preset.
    """
    if preset not in PRESETS:
        raise FencunError(
            f"没有档位 {preset[:24]}；可选：{'、'.join(PRESETS)}。",
            f"There is no preset {preset[:24]!r}; choose from {', '.join(PRESETS)}.",
        )
    if method == "dpo":
        from fencun.tune.objectives.dpo_run import DEFAULTS

        return dict(DEFAULTS)
    return dict(PRESETS[preset])


def resume(folder: Path, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Go on with the run in ``folder``, whoever trains it; return its manifest.

    Raises:
        FencunError: no run was begun there, or it is finished.
    """
    begun = folder / session.CONFIG
    facts = json.loads(begun.read_text(encoding="utf-8")) if begun.exists() else {}
    if facts.get("engine") == "llamafactory":
        options = from_mapping(facts["resolved"])
        return _elsewhere()(folder, options, given=facts["given"], tell=tell)
    if facts.get("method") == "dpo":
        from fencun.tune.objectives.dpo_run import go_on

        return go_on(folder, tell)
    return session.resume(folder, tell)


def _elsewhere() -> Trainer:
    from fencun.tune.llamafactory.executor import train

    return train
