"""Many briefs over a Ray cluster: every worker writes with an engine of its own.

A worker that dies costs nothing: its briefs are drawn again elsewhere with the same seeds, and
only whole briefs reach the file.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fencun import __version__
from fencun.adapter import shipped_adapter
from fencun.batch import BatchBrief, parse_job, unwritten, write_jobs
from fencun.errors import FencunError
from fencun.files import Appender, Json
from fencun.models.open import SETTINGS, in_use, is_endpoint
from fencun.open_writer import open_writer
from fencun.prompt import ADAPTED, Arm
from fencun.ray_cluster import Row, require_same, spread
from fencun.scenario import Scenario, load_scenario

_BLOCK = 8  # briefs that a worker is given at once, and writes side by side


def write_on_cluster(
    scenario: Scenario,
    jobs: Sequence[BatchBrief],
    out: Path,
    *,
    arm: Arm,
    keep: int,
    draws: int,
    seed: int,
    model: str | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Do what :func:`fencun.batch.write_batch` does, inside :func:`fencun.ray_cluster.cluster`.

    Lines come in the order of ``jobs``. Where an endpoint writes, a worker is a core of the
    cluster; where each loads a model, it is a machine.

    Raises:
        FencunError: as :func:`fencun.batch.write_batch`, or a worker lacks what it needs.
    """
    base = in_use(model)  # what is in use on a worker may be another one
    settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    with Appender(out) as appender:
        waiting = unwritten(jobs, out, arm)
        done = len(jobs) - len(waiting)
        tell(done, len(jobs))
        where: Row = {"folder": str(scenario.folder.resolve()), "name": scenario.name}
        # A worker that cannot begin is begun again for ever: what it lacks is said before.
        needed: Row = {"version": __version__, **_adapter(scenario, base, arm)}
        list(spread(ready, [needed], **where))
        written = spread(
            Pen, _blocks(waiting), workers=_workers(base), model=base, settings=settings, **where,
            how={"arm": arm, "keep": keep, "draws": draws, "seed": seed},
        )  # fmt: skip
        for block in written:
            for row in json.loads(block["lines"]):
                appender.write(row)
                done += 1
            tell(done, len(jobs))
    return len(waiting)


def _adapter(scenario: Scenario, base: str, arm: Arm) -> Row:
    """Return which adapter of its own ``arm`` needs for ``base``; nothing where it needs none."""
    if arm not in ADAPTED or is_endpoint(base):
        return {}
    adapter = shipped_adapter(scenario, base)
    return {"base": base, "adapter": adapter.sha256 if adapter else ""}


def _workers(base: str) -> int:
    import ray

    if is_endpoint(base):
        return int(ray.cluster_resources().get("CPU", 1))
    return sum(bool(node["Alive"]) for node in ray.nodes())


def _blocks(jobs: Sequence[BatchBrief]) -> Iterator[Row]:
    for start in range(0, len(jobs), _BLOCK):
        rows = [job.row for job in jobs[start : start + _BLOCK]]
        yield {"lines": json.dumps(rows, ensure_ascii=False)}


def ready(row: Row, folder: str, name: str) -> Row:
    """Return ``row`` where the same Fencun, the scenario, and the adapter it names are there.

    Raises:
        FencunError: they are not.
    """
    require_same(row["version"])
    scenario = _scenario(folder, name)
    if base := row.get("base"):
        adapter = shipped_adapter(scenario, base)
        if adapter is None or adapter.sha256 != row["adapter"]:
            raise FencunError(
                f"集群上的场景 {name} 没有这里给 {base} 的适配器；把 {folder} 放到每台机器的"
                "同一个位置。",
                f"The scenario {name} on the cluster lacks the adapter for {base} that is here; "
                f"put {folder} at the same place on every machine.",
            )
    return row


def _scenario(folder: str, name: str) -> Scenario:
    return load_scenario(folder if Path(folder).is_dir() else name)


class Pen:
    """A worker that writes: it opens a writer once, and keeps it for all its blocks."""

    def __init__(
        self, folder: str, name: str, model: str | None, settings: dict[str, str],
        how: dict[str, Any],
    ) -> None:  # fmt: skip
        """Raises :class:`FencunError` where the engine is not there."""
        os.environ.update(settings)
        self._scenario = _scenario(folder, name)
        self._how = how
        self._runner = asyncio.Runner()
        self._opened = open_writer(self._scenario, model=model, parallel=_BLOCK)
        self._writer = self._runner.run(self._opened.__aenter__())

    def __call__(self, block: Row) -> Row:
        """Return the lines of a block of briefs, in their order."""
        jobs = [parse_job(self._scenario, row, 0) for row in json.loads(block["lines"])]
        lines: dict[str, Json] = {}

        def put(row: Json) -> None:
            lines[row["id"]] = row

        self._runner.run(write_jobs(self._writer, jobs, put, parallel=_BLOCK, **self._how))
        return {"lines": json.dumps([lines[job.id] for job in jobs], ensure_ascii=False)}
