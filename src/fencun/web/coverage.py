"""The page 覆盖: one map, over seeds, drafts, samples, test briefs or votes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Query, Request
from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.responses import Response

from fencun.data.axes import map_axes
from fencun.data.coverage import Counted, Coverage, Gap, Spot, gaps, spot
from fencun.data.heatmap import heatmap
from fencun.data.lines import DRAFTS
from fencun.data.split import PARTS
from fencun.data.targets import Targets, load_targets
from fencun.evaluate.collect import votes_by_brief
from fencun.evaluate.find import studies_of
from fencun.evaluate.study import Study
from fencun.language import say
from fencun.scenario import Scenario
from fencun.store import seeds
from fencun.web.access import router_for
from fencun.web.errors import InvalidError
from fencun.web.pages import Page, render
from fencun.web.studio import StudioDep

PAGE = Page("/coverage", "覆盖", "Coverage", "review")
router = router_for("review")

Over = Literal["seeds", "drafts", "samples", "briefs", "votes"]
OVER: dict[Over, tuple[str, str]] = {
    "seeds": ("种子", "seeds"),
    "drafts": ("草稿", "drafts"),
    "samples": ("样本", "samples"),
    "briefs": ("测试需求", "test briefs"),
    "votes": ("选票", "votes"),
}
_GROWING = ("seeds", "drafts", "samples")  # what more can be written for
_THINNEST = 12


@dataclass(frozen=True, slots=True)
class CoverageView:
    """One view of the map: what was counted, over which two axes, and where it is thin."""

    coverage: Coverage
    rows: str
    columns: str
    gaps: list[Gap]
    targets: Targets

    def svg(self, title: str, href: Callable[[str, str], str] | None = None) -> Markup:
        """Return the picture. Markup: it is our own SVG, and its template escapes every text."""
        table = self.coverage.table(self.rows, self.columns)
        wants = {(h.values[0][1], h.values[1][1]): h.want for h in self.gaps}
        return Markup(heatmap(table, title, wants=wants, targets=self.targets, href=href))


def drawn(
    session: Session, scenario: Scenario, over: Over, rows: str | None, columns: str | None
) -> CoverageView:
    """Return the map over ``over``; by default who is addressed down, and occasions across.

    Raises:
        InvalidError: no such axis, or twice the same.
    """
    coverage = Coverage(scenario, _counted(session, scenario, over))
    names = [axis.name for axis in coverage.axes]
    usual = map_axes(scenario)
    rows, columns = rows or usual[0], columns or usual[1]
    if rows not in names or columns not in names or rows == columns:
        raise InvalidError(
            f"行和列要选两个不同的：{'、'.join(names)}。",
            f"Rows and columns are two different ones of {', '.join(names)}.",
            field="rows",
        )
    targets = load_targets(scenario)
    least = 1 if over == "seeds" and (rows, columns) == usual else 0
    wanting = (
        gaps(coverage, targets, over=(rows, columns), at_least=least)
        if over in _GROWING and (coverage.total or least)
        else []
    )
    return CoverageView(coverage, rows, columns, wanting, targets)


def _counted(session: Session, scenario: Scenario, over: Over) -> Iterable[Counted]:
    if over == "seeds":
        return [entry.line for entry in seeds.collection(session, scenario)]
    if over == "drafts":
        return seeds.lines_of(scenario, DRAFTS)
    if over == "samples":
        return [
            line for part in PARTS for line in seeds.lines_of(scenario, f"dataset/{part}.jsonl")
        ]
    asked = studies_of(scenario)
    if over == "briefs":
        return [spot(scenario, brief) for study in asked[:1] for brief in study.briefs()]
    return [counted for study in asked for counted in _votes(session, scenario, study)]


def _votes(session: Session, scenario: Scenario, study: Study) -> list[Spot]:
    """Return the brief of every vote that stands: those in the store, else those frozen."""
    cast = votes_by_brief(session, study.registration.fingerprint)
    cast = cast or Counter(vote.brief for vote in study.votes())
    if not cast:
        return []
    return [spot(scenario, brief) for brief in study.briefs() for _ in range(cast[brief.id])]


@router.get("/coverage", include_in_schema=False)
async def page(
    request: Request,
    studio: StudioDep,
    over: Over = "seeds",
    rows: Annotated[str | None, Query(max_length=40)] = None,
    columns: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Show the map, switchable by links and two lists."""
    shown = await studio.store.aread(
        lambda session: drawn(session, studio.scenario, over, rows, columns)
    )
    title = say(*OVER[over])
    href = to_seeds(shown) if over == "seeds" else None
    return render(
        request,
        "coverage.html",
        map=shown,
        svg=await asyncio.to_thread(shown.svg, f"{title} · {shown.coverage.total}", href),
        over=over,
        sources=OVER,
        thinnest=[(gap, seeds_link(gap)) for gap in shown.gaps[:_THINNEST]],
        more=max(0, len(shown.gaps) - _THINNEST),
        writable=over in _GROWING,
    )


@router.get("/api/coverage", tags=["Fencun"], summary="覆盖")
async def counts(
    studio: StudioDep,
    over: Over = "seeds",
    rows: Annotated[str | None, Query(max_length=40)] = None,
    columns: Annotated[str | None, Query(max_length=40)] = None,
) -> dict[str, Any]:
    """Return how many lines stand in every cell of two axes, and the cells that are too thin."""
    found = await studio.store.aread(
        lambda session: drawn(session, studio.scenario, over, rows, columns)
    )
    table = found.coverage.table(found.rows, found.columns)
    return {
        "over": over,
        "total": found.coverage.total,
        "axes": {axis.name: list(axis.values) for axis in found.coverage.axes},
        "rows": found.rows,
        "columns": found.columns,
        "counts": [list(row) for row in table.counts],
        "gaps": [
            {
                "cell": {axis.name: value for axis, value in gap.values},
                "have": gap.have,
                "want": gap.want,
                "told": str(gap),
            }
            for gap in found.gaps
        ],
    }


def seeds_link(gap: Gap) -> str:
    """Return the address of the seed page, ready to write for this cell."""
    return _address({axis.name: value for axis, value in gap.values}) + "#write"


def to_seeds(shown: CoverageView) -> Callable[[str, str], str]:
    """Return what makes the address of the seeds that stand in a cell."""
    return lambda row, column: _address({shown.rows: row, shown.columns: column})


def _address(cell: dict[str, str]) -> str:
    return f"seeds?{urlencode(cell)}"  # beside this page, whatever scenario that is in
