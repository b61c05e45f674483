"""The pictures of a report."""

import asyncio
import re

from evaluate_study import Engines
from probe_case import speak
from report_case import voted

from fencun.evaluate import figures
from fencun.evaluate.probe_summary import summarise
from fencun.evaluate.probing import probe_all
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge


def test_steadiness_is_told_brief_by_brief(study: Study) -> None:
    voted(study, 1)
    summary = summarise(
        study, asyncio.run(probe_all(study, [], "quick", opener=Engines(speak))), "quick"
    )
    always, never = {"count": 6, "total": 6}, {"count": 0, "total": 6}
    for row in summary["arms"]:
        row["steady"] = {"one": always, "two": never}
    svg = figures.charts(judge(study), summary)["steady"]
    heights = set(re.findall(r'<circle cx="[^"]+" cy="([^"]+)"', svg))
    half = re.search(r'y="([0-9.]+)"[^>]*>50%<', svg)
    assert half
    assert heights == {str(float(half[1]) - 4)}  # half of the briefs pass, however many draws
