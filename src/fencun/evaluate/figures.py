"""The pictures of a report: what people chose, the probes as curves, the briefs on the map."""

from collections.abc import Sequence
from math import comb
from statistics import fmean

from fencun.data.coverage import Coverage, spot
from fencun.data.heatmap import heatmap
from fencun.evaluate import chart, show
from fencun.evaluate.study import Study
from fencun.evaluate.variants import VARIANTS
from fencun.evaluate.verdict import Verdict
from fencun.files import Json
from fencun.language import say
from fencun.records import Sample
from fencun.scenario import Scenario

_DRAWS = (1, 2, 3, 5, 10, 20)
_INKS = {"bare": 0, "prompt": 1, "rag": 2, "tuned": 3}


def inks(study: Study) -> dict[str, int]:
    """Return the colour of every arm: by the part it plays, the rest in their order."""
    arms = enumerate(study.registration.arms)
    return {arm.name: _INKS.get(arm.role or "", 4 + number % 2) for number, arm in arms}


def charts(judged: Verdict, summary: Json | None) -> dict[str, str]:
    """Return the charts there is something to draw for: people, sent, hit, steady, drift."""
    colours = inks(judged.study)
    drawn = {}
    if bars := _contests(judged, colours):
        title = say("人更愿意发哪一组", "Which arm people would rather send")
        drawn["people"] = chart.shares(bars, title, middle=0.5)
    sent = [
        chart.Bar(
            rate.arm,
            rate.send.share,
            rate.send.low,
            rate.send.high,
            show.percent(rate.send.share),
            colours[rate.arm],
        )
        for rate in judged.facts.arms
        if rate.send.share is not None
    ]
    if sent:
        drawn["sent"] = chart.shares(sent, say("会直接发", "Would be sent as it is"))
    return drawn | (_of_probes(summary, colours) if summary else {})


def _contests(judged: Verdict, inks: dict[str, int]) -> list[chart.Bar]:
    """A bar for every pair of arms: how often the first is preferred."""
    tuned = judged.study.registration.roles.get("tuned")
    bars = []
    # Fine-tuning stands first: its pairs decide, and where it is better they lie to the right.
    for one in sorted(judged.facts.comparisons, key=lambda one: tuned not in (one.a, one.b)):
        flip = one.b == tuned
        a, b = (one.b, one.a) if flip else (one.a, one.b)
        share, low, high = one.share, one.wide_low, one.wide_high
        if flip:
            share, low, high = 1 - share, 1 - high, 1 - low
        label = say(f"{a} 胜 {b}", f"{a} over {b}")
        bars.append(chart.Bar(label, share, low, high, show.percent(share), inks[a]))
    return bars


def _of_probes(summary: Json, inks: dict[str, int]) -> dict[str, str]:
    arms: list[Json] = summary["arms"]
    charts = {
        "hit": chart.shares(
            _bars({row["arm"]: row["hit"] for row in arms}, inks),
            say("过所有关卡的回答", "Answers that pass all gates"),
        )
    }
    drawn = {row["arm"]: list(row["steady"].values()) for row in arms if row.get("steady")}
    if drawn:
        least = min(rate["total"] for rates in drawn.values() for rate in rates)
        draws = [count for count in _DRAWS if count <= least]
        charts["steady"] = chart.lines(
            {arm: [_all_pass(rates, count) for count in draws] for arm, rates in drawn.items()},
            [str(count) for count in draws],
            say("同一条需求连写几条，条条过关的机会", "Chance that all of so many draws pass"),
            inks=inks,
        )
    varied = {row["arm"]: row for row in arms if row["drift"]}
    if varied:
        charts["drift"] = chart.lines(
            {
                arm: [row["plain"]["share"]]
                + [(row["drift"].get(name) or {}).get("share") for name in VARIANTS]
                for arm, row in varied.items()
            },
            [say("原样", "as it was"), *(say(zh, en) for zh, en, _ in VARIANTS.values())],
            say("需求换个样子，还有多少过关", "Share passing when put differently"),
            inks=inks,
        )
    return charts


def _all_pass(rates: Sequence[Json], count: int) -> float:
    """The chance that ``count`` draws of one brief, of those made, all pass; mean over briefs."""
    return fmean(comb(rate["count"], count) / comb(rate["total"], count) for rate in rates)


def _bars(rates: dict[str, Json], inks: dict[str, int]) -> list[chart.Bar]:
    return [
        chart.Bar(arm, rate["share"], rate["low"], rate["high"], show.rate(rate), inks[arm])
        for arm, rate in rates.items()
        if rate["total"]
    ]


def coverage(scenario: Scenario, samples: Sequence[Sample]) -> str:
    """Return the test briefs on the map that the data is drawn on."""
    choices = [d for d in scenario.dimensions if d.kind == "choice"]
    if len(choices) < 2:
        return ""
    coverage = Coverage(scenario, (spot(scenario, sample) for sample in samples))
    table = coverage.table(choices[0].name, choices[1].name)
    return heatmap(table, say("测试需求的覆盖", "Coverage of the test briefs"))
