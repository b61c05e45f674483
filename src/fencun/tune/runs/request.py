"""What a run is asked to do: by whom, towards what, with which options."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fencun.errors import FencunError
from fencun.provenance import revision, versions
from fencun.tune.config import PRESETS, TuneConfig, from_mapping, read_config
from fencun.tune.machine import PACKAGES, look_around
from fencun.tune.material import Material
from fencun.tune.objectives import dpo, verify
from fencun.tune.objectives.objective import Objective
from fencun.tune.objectives.registry import make_objective
from fencun.tune.objectives.sft import Sft

ENGINES = ("fencun", "llamafactory")


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked to do.

    ``given`` is what the user typed, kept beside what it was resolved to; ``engine`` says who
    trains: our own loop or LLaMA-Factory.
    """

    config: TuneConfig
    objective: Objective[Any] = field(default_factory=Sft)
    engine: str = "fencun"
    given: dict[str, Any] = field(default_factory=dict)

    def facts(self, material: Material[Any], config: TuneConfig) -> dict[str, Any]:
        """Return what config.json says of a run over ``material`` with the resolved ``config``."""
        return {
            "engine": self.engine,
            "method": self.objective.name,
            "objective": self.objective.options(),
            "base": {"name": material.base.name, "sha256": material.base.sha256},
            "scenario": material.scenario.name,
            "data": material.hashes,
            "samples": len(material.examples.training),
            "dropped": material.examples.dropped,
            "given": self.given,
            "resolved": config.to_json(),
            "machine": asdict(look_around()),
            "revision": revision(),
            "versions": versions(PACKAGES),
        }

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> "RunRequest":
        """Return what the run was asked to do whose config.json holds ``facts``."""
        return cls(
            from_mapping(facts["resolved"]),
            make_objective(facts.get("method", "sft"), facts.get("objective", {})),
            facts.get("engine", "fencun"),
            facts["given"],
        )


def request_run(
    *,
    preset: str = "quick",
    method: str = "sft",
    engine: str = "fencun",
    adapter: str = "",
    pairs: str = "",
    judgements: str = "",
    config: Path | None = None,
    minutes: float | None = None,
    **named: str,
) -> RunRequest:
    """Return the request that these words make; ``named`` are options that win where not empty.

    Raises:
        FencunError: there is no such preset, method or engine, they do not go together, dpo
            lacks its adapter or pairs, a verifier its judgements, or an option is unknown.
    """
    given: dict[str, Any] = {"preset": preset, "config": str(config) if config else None, **named}
    given |= {"minutes": minutes, "engine": engine, "method": method}
    for kind, zh, wanted, known in (
        ("preset", "档位", preset, tuple(PRESETS)),
        ("engine", "引擎", engine, ENGINES),
    ):
        if wanted not in known:
            raise FencunError(
                f"没有{zh} {wanted[:24]}；可选：{'、'.join(known)}。",
                f"There is no {kind} {wanted[:24]!r}; choose from {', '.join(known)}.",
            )
    start = dict(PRESETS[preset])  # type: ignore[index]
    options: dict[str, Any] = {}
    if method == "dpo":
        _check_dpo(engine, adapter, pairs)
        start = {**dpo.DEFAULTS, "start": str(Path(adapter).resolve())}
        options = {"pairs": str(Path(pairs).resolve())}
    if method == "verifier":
        _check_verifier(engine, judgements)
        started = str(Path(adapter).resolve()) if adapter else ""
        start = {**verify.DEFAULTS, "start": started}
        options = {"judgements": str(Path(judgements).resolve())}
    objective = make_objective(method, options)
    resolved = from_mapping(start)
    resolved = read_config(config, resolved) if config else resolved
    resolved = resolved.replaced(**{key: value for key, value in named.items() if value})
    if minutes is not None:
        resolved = resolved.replaced(minutes=minutes)
    return RunRequest(resolved, objective, engine, given)


def _check_dpo(engine: str, adapter: str, pairs: str) -> None:
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


def _check_verifier(engine: str, judgements: str) -> None:
    if engine != "fencun":
        raise FencunError(
            "verifier 只有分寸自己的循环能跑。", "Only Fencun's own loop trains a verifier."
        )
    if not judgements:
        raise FencunError(
            "verifier 要用 --judgements 给它判断：需求、text，和 fit 或 grade，一行一条。",
            "verifier needs --judgements: a brief, text, and fit or grade a line.",
        )
