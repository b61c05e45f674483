"""``fencun eval report``: the verdict first, then what it rests on; one HTML file, one Markdown."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import groupby
from math import comb
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fencun.data.coverage import Coverage, spot
from fencun.data.heatmap import heatmap
from fencun.evaluate import chart, show
from fencun.evaluate.advice import interview
from fencun.evaluate.probes import rankings, read_summary
from fencun.evaluate.rates import Rate, preferred
from fencun.evaluate.records import REASONS
from fencun.evaluate.study import MANIFEST, PREFIXES, Study
from fencun.evaluate.variants import VARIANTS
from fencun.evaluate.verdict import Verdict, check_lines, judge
from fencun.files import Json, write_text
from fencun.gates.registry import Gates
from fencun.language import language, say
from fencun.records import Sample

_DRAWS = (1, 2, 3, 5, 10, 20)
_INKS = {"bare": 0, "prompt": 1, "rag": 2, "tuned": 3}


@dataclass(frozen=True, slots=True)
class Told:
    """One arm's answer to one brief, and the first thing that the gates found wrong with it."""

    arm: str
    ink: int
    text: str
    fault: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One test brief as a reader sees it, with what every arm answered and the reference line."""

    id: str
    group: str
    lines: tuple[tuple[str, str], ...]
    reference: str
    answers: tuple[Told, ...]


def write_report(study: Study, out: Path | None = None) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.md`` into ``out`` (default: the study's folder).

    Raises:
        FencunError: the answers are not frozen, or a frozen file was changed.
    """
    folder = out or study.folder
    told = gathered(study)
    pages = (folder / "report.html", folder / "report.md")
    for path in pages:
        write_text(path, _environment().get_template(f"{path.name}.j2").render(told))
    return pages


def gathered(study: Study) -> dict[str, Any]:
    """Return everything that a report tells, from the frozen files alone."""
    judged = judge(study)
    summary = read_summary(study)
    inks = _inks(study)
    samples = study.briefs()
    people = _people(judged)
    asked = _asked(study, samples, inks)
    return {
        "verdict": judged,
        "facts": judged.facts,
        "checks": check_lines(judged),
        "next": _next(judged),
        "routes": judged.routes,
        "sent": {rate.arm: rate.send for rate in judged.facts.arms},
        "inks": inks,
        "charts": {name: Markup(svg) for name, svg in _charts(judged, summary, inks).items()},
        "cells": _cells(judged, samples),
        "reasons": _reasons(judged),
        "probes": summary,
        "probe_rows": show.probe_rows(summary) if summary else [],
        "faults": _faults(summary),
        "box": rankings(summary, people) if summary else [],
        "people": people,
        "asked": asked,
        "groups": [(name, list(some)) for name, some in groupby(asked, lambda one: one.group)],
        "map": Markup(_map(study, samples)),
        "made": _made(study),
        "scenario": study.scenario,
    }


def _inks(study: Study) -> dict[str, int]:
    """The colour of every arm: by the part it plays, the rest in their order."""
    inks: dict[str, int] = {}
    for number, arm in enumerate(study.registration.arms):
        inks[arm.name] = _INKS.get(arm.role or "", 4 + number % 2)
    return inks


def _people(judged: Verdict) -> list[str]:
    """The arms as people rank them, best first; empty where nobody has voted."""
    found = judged.facts.strengths
    if found is None:
        return []
    order = sorted(zip(found.arms, found.values, strict=True), key=lambda pair: -float(pair[1]))
    return [arm for arm, _ in order]


def _next(judged: Verdict) -> list[str]:
    """What to do now: as the interview says where it knows the outcome."""
    decision, name = judged.ruling.decision, judged.study.name
    if decision == "evidence":
        return [
            say(
                f"请人来投票：fencun eval ballot open {name}",
                f"Let people vote: fencun eval ballot open {name}",
            ),
            say(
                f"票齐了再看：fencun eval verdict {name}",
                f"Then look again: fencun eval verdict {name}",
            ),
        ]
    if decision == "worth":
        return [
            say(
                "把微调的适配器设为默认，留着提示词组，换底座时再评一次。",
                "Make the adapter the default; keep the prompt arm for the next base model.",
            )
        ]
    found = (outcome for outcome in interview().outcomes if outcome.name == decision)
    return [str(step) for outcome in found for step in outcome.next]


def _charts(judged: Verdict, summary: Json | None, inks: dict[str, int]) -> dict[str, str]:
    charts: dict[str, str] = {}
    tuned = judged.study.registration.roles.get("tuned")
    bars = []
    for one in judged.facts.comparisons:
        # Fine-tuning stands first, so that its bars lie right of the middle where it is better.
        flip = one.b == tuned
        a, b = (one.b, one.a) if flip else (one.a, one.b)
        share, low, high = one.share, one.wide_low, one.wide_high
        if flip:
            share, low, high = 1 - share, 1 - high, 1 - low
        label = say(f"{a} 胜 {b}", f"{a} over {b}")
        bars.append(chart.Bar(label, share, low, high, show.percent(share), inks[a]))
    if bars:
        title = say("人更愿意发哪一组", "Which arm people would rather send")
        charts["people"] = chart.shares(bars, title, middle=0.5)
    sent = {rate.arm: asdict(rate.send) for rate in judged.facts.arms}
    if sent:
        title = say("会直接发", "Would be sent as it is")
        charts["sent"] = chart.shares(_bars(sent, inks), title)
    if summary:
        charts |= _probe_charts(summary, inks)
    return charts


def _probe_charts(summary: Json, inks: dict[str, int]) -> dict[str, str]:
    arms: list[Json] = summary["arms"]
    charts = {
        "hit": chart.shares(
            _bars({row["arm"]: row["hit"] for row in arms}, inks),
            say("过所有关卡的回答", "Answers that pass all gates"),
        )
    }
    drawn = {row["arm"]: row["seeds"] for row in arms if row["seeds"]["total"]}
    if drawn:
        least = min(rate["total"] for rate in drawn.values())
        draws = [count for count in _DRAWS if count <= least]
        charts["steady"] = chart.lines(
            {arm: [_all_pass(rate, count) for count in draws] for arm, rate in drawn.items()},
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
            say(
                "需求换个样子，还有多少过关", "Share that passes when the brief is put differently"
            ),
            inks=inks,
        )
    return charts


def _all_pass(rate: Json, count: int) -> float:
    """The chance that ``count`` draws, taken from those made, all pass."""
    return comb(rate["count"], count) / comb(rate["total"], count)


def _bars(rates: dict[str, Json], inks: dict[str, int]) -> list[chart.Bar]:
    return [
        chart.Bar(arm, rate["share"], rate["low"], rate["high"], show.rate(rate), inks[arm])
        for arm, rate in rates.items()
        if rate["total"]
    ]


def _cells(judged: Verdict, samples: Sequence[Sample]) -> list[tuple[str, Rate]]:
    """How often the tuned arm beat its strongest rival, for every audience with votes."""
    tuned, rival = judged.study.registration.roles.get("tuned"), judged.facts.strongest_rival()
    audience = judged.study.scenario.role("audience")
    if not (tuned and rival and audience):
        return []
    table = judged.table
    group = {sample.id: sample.brief[audience.name] for sample in samples}
    import numpy as np

    of_row = np.array([group[table.briefs[index]] for index in table.brief])
    found = [(c.value, preferred(table, tuned, rival, of_row == c.value)) for c in audience.choices]
    return [(name, rate) for name, rate in found if rate.total]


def _reasons(judged: Verdict) -> list[tuple[str, list[str]]]:
    """What raters tapped, a row a reason, a cell an arm."""
    told = judged.facts.background.reasons
    rows = []
    for reason, words in REASONS.items():
        counts = [told.get(arm, {}).get(reason, 0) for arm in judged.study.arms]
        if any(counts):
            rows.append((say(*words), [str(count) for count in counts]))
    return rows


def _faults(summary: Json | None) -> list[tuple[str, list[str]]]:
    """What the gates stopped, a row a gate, a cell an arm; the most frequent first."""
    if not summary:
        return []
    arms: list[Json] = summary["arms"]
    gates = {gate for row in arms for gate in row["faults"]}
    order = sorted(gates, key=lambda g: (-sum(row["faults"].get(g, 0) for row in arms), g))
    return [(gate, [str(row["faults"].get(gate, 0)) for row in arms]) for gate in order]


def _asked(study: Study, samples: Sequence[Sample], inks: dict[str, int]) -> list[Asked]:
    gates, by_arm, briefs = Gates(study.scenario), study.by_arm(), study.parsed_briefs()
    audience = study.scenario.role("audience")
    dimensions = study.scenario.dimensions

    def told(arm: str, sample: Sample) -> Told:
        answer = by_arm[arm].get(sample.id)
        text = answer.text if answer else ""
        found = gates.check(text, briefs[sample.id]) if text else []
        fault = next((str(f) for f in found if f.severity == "fault"), "")
        return Told(arm, inks[arm], text or (answer.error if answer else ""), fault)

    asked = [
        Asked(
            id=sample.id,
            group=sample.brief[audience.name] if audience else "",
            lines=tuple((d.label, sample.brief[d.name] or say("无", "none")) for d in dimensions),
            reference=sample.text,
            answers=tuple(told(arm, sample) for arm in study.arms),
        )
        for sample in samples
    ]
    place = {c.value: n for n, c in enumerate(audience.choices)} if audience else {}
    return sorted(asked, key=lambda one: (place.get(one.group, 0), one.id))


def _map(study: Study, samples: Sequence[Sample]) -> str:
    """The test briefs on the map that the data is drawn on."""
    scenario = study.scenario
    choices = [d for d in scenario.dimensions if d.kind == "choice"]
    if len(choices) < 2:
        return ""
    coverage = Coverage(scenario, (spot(scenario, sample) for sample in samples))
    table = coverage.table(choices[0].name, choices[1].name)
    return heatmap(table, say("测试需求的覆盖", "Coverage of the test briefs"))


def _made(study: Study) -> dict[str, Any]:
    """How the study was made: what ran, what was pinned, what the arms were told."""
    manifest = json.loads((study.folder / MANIFEST).read_bytes())
    prefixes: dict[str, list[Json]] = json.loads((study.folder / PREFIXES).read_bytes())
    longest: list[Json] = max(prefixes.values(), key=lambda chat: len(str(chat)), default=[])
    return {
        "registration": study.registration,
        "manifest": manifest,
        "decoding": ", ".join(f"{k}={v}" for k, v in study.registration.decoding.items()),
        "prompt": [(turn["role"], turn["content"]) for turn in longest],
        "rules": study.rules,
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("fencun.evaluate", "templates"),
        autoescape=lambda name: bool(name and name.startswith("report.html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(say=say, language=language, show=show, asdict=asdict)
    environment.filters["cell"] = lambda text: " ".join(str(text).split()).replace("|", "\\|")
    return environment
