"""``fencun eval report``: the verdict first, then what it rests on; one HTML file, one Markdown."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fencun.evaluate import figures, show
from fencun.evaluate.beside import beside
from fencun.evaluate.manifest import read_manifest
from fencun.evaluate.mending import deciding, next_steps, to_write, worst
from fencun.evaluate.probe_summary import rankings, read_summary
from fencun.evaluate.rates import Rate, preferred
from fencun.evaluate.records import REASONS
from fencun.evaluate.show_beside import people_tables, read_tables
from fencun.evaluate.study import PREFIXES, Study
from fencun.evaluate.telltale import telltale
from fencun.evaluate.verdict import Verdict, groups, judge
from fencun.files import Json, write_text
from fencun.gates.registry import Gates
from fencun.labels import gate_label
from fencun.language import enumerated, language, say
from fencun.records import Sample


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """One arm's answer to one brief, and the first thing that the gates found wrong with it."""

    arm: str
    ink: int
    text: str
    fault: str


@dataclass(frozen=True, slots=True)
class ReportBrief:
    """One test brief as a reader sees it, with what every arm answered and the reference line."""

    id: str
    group: str
    lines: tuple[tuple[str, str], ...]
    reference: str
    answers: tuple[ReportAnswer, ...]


def write_report(study: Study, out: Path | None = None) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.md`` into ``out`` (default: the study's folder).

    Raises:
        FencunError: the answers are not frozen, or a frozen file was changed.
    """
    folder = out or study.folder
    told = gathered(judge(study))
    pages = (folder / "report.html", folder / "report.md")
    for path in pages:
        write_text(path, rendered(told, path.name))
    return pages


def rendered(told: Json, name: str) -> str:
    """Return ``report.html`` or ``report.md`` of what :func:`gathered` found."""
    return _environment().get_template(f"{name}.j2").render(told)


def gathered(judged: Verdict) -> Json:
    """Return everything that a report tells, from the frozen files of a study and its verdict."""
    study = judged.study
    summary = read_summary(study)
    inks = figures.inks(study)
    samples = study.briefs()
    people = _people(judged)
    asked = _asked(study, samples, inks)
    told = beside(judged)
    return {
        "verdict": judged,
        "facts": judged.facts,
        "css": style(),
        "why": deciding(judged),
        "lost": worst(judged),
        "names": {sample.id: in_short(study, sample) for sample in samples},
        "to_write": to_write(judged, samples),
        "guess": _guess(judged),
        "plan": _plan(study),
        "rules": groups(judged),
        "next": next_steps(judged),
        "routes": judged.routes,
        "sent": {rate.arm: rate.send for rate in judged.facts.arms},
        "inks": inks,
        "charts": {name: Markup(svg) for name, svg in figures.charts(judged, summary).items()},
        "cells": _cells(judged, samples),
        "reasons": _reasons(judged),
        "people_tables": list(people_tables(judged.facts, told)),
        "read_tables": list(read_tables(told)),
        "probes": summary,
        "probe_rows": show.probe_rows(summary) if summary else [],
        "faults": _faults(summary),
        "box": rankings(summary, people) if summary else [],
        "people": people,
        "asked": asked,
        "groups": [(name, list(some)) for name, some in groupby(asked, lambda one: one.group)],
        "map": Markup(figures.coverage(study.scenario, samples)),
        "made": _made(study),
        "scenario": study.scenario,
    }


def in_short(study: Study, sample: Sample) -> str:
    """Return a brief in a few words: how they are called, who they are, on what occasion."""
    scenario = study.scenario
    choices = [d.name for d in scenario.dimensions if d.kind == "choice"][:2]
    called = scenario.role("salutation")
    names = ([called.name] if called else []) + choices
    return " · ".join(sample.brief[name] for name in names if sample.brief.get(name))


def _people(judged: Verdict) -> list[str]:
    """The arms as people rank them, best first; empty where nobody has voted."""
    found = judged.facts.strengths
    if found is None:
        return []
    order = sorted(zip(found.arms, found.values, strict=True), key=lambda pair: -float(pair[1]))
    return [arm for arm, _ in order]


def _cells(judged: Verdict, samples: Sequence[Sample]) -> list[tuple[str, Rate]]:
    """How often the tuned arm beat its strongest rival, for every audience with votes."""
    tuned, rival = judged.study.registration.roles.get("tuned"), judged.facts.closest_rival()
    audience = judged.study.scenario.role("audience")
    if not (tuned and rival and audience):
        return []
    table = judged.table
    group = {sample.id: sample.brief[audience.name] for sample in samples}
    import numpy as np

    of_row = np.array([group[table.briefs[index]] for index in table.brief])
    found = [(c.value, preferred(table, tuned, rival, of_row == c.value)) for c in audience.choices]
    return [(name, rate) for name, rate in found if rate.total]


def _guess(judged: Verdict) -> list[tuple[str, Rate]]:
    """How often each rival's text is told from the tuned one's, without knowing who wrote which."""
    study = judged.study
    tuned, by_arm = study.registration.roles.get("tuned"), study.by_arm()
    if not tuned:
        return []
    texts = {arm: {b: a.text for b, a in by_arm[arm].items()} for arm in study.arms}
    found = [(arm, telltale(texts[tuned], texts[arm])) for arm in judged.facts.rivals()]
    return [(arm, rate) for arm, rate in found if rate.total]


def _plan(study: Study) -> str:
    """The plan as it was registered, in one sentence; empty where an old study has none."""
    plan = study.registration.plan
    if not plan:
        return ""
    looks, rivals = " / ".join(map(str, plan["looks"])), enumerated(plan["rivals"])
    draws, several = plan.get("draws", 1), plan.get("draws", 1) > 1
    effect, power = show.percent(plan["effect"]), show.percent(plan["power"])
    return say(
        f"登记的计划：{plan['votes']} 票，"
        f"{f'每组每条需求 {draws} 条，' if several else ''}看票在 {looks}；为的是真有 {effect} 的人"
        f"更愿意发微调的时候，有 {power} 的把握看出来；对手：{rivals}",
        f"Registered plan: {plan['votes']} votes, "
        f"{f'{draws} texts an arm and brief, ' if several else ''}looks at {looks}; to find a true "
        f"{effect} preference with a chance of {power}; rivals: {rivals}",
    )


def _reasons(judged: Verdict) -> list[tuple[str, list[str]]]:
    """What raters tapped, a row a reason, a cell an arm."""
    told = judged.facts.background.reasons
    rows = []
    for reason, words in judged.study.scenario.words.named(REASONS).items():
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


def _asked(study: Study, samples: Sequence[Sample], inks: dict[str, int]) -> list[ReportBrief]:
    gates, by_arm, briefs = Gates(study.scenario), study.by_arm(), study.parsed_briefs()
    audience = study.scenario.role("audience")
    dimensions = study.scenario.dimensions

    def told(arm: str, sample: Sample) -> ReportAnswer:
        answer = by_arm[arm].get(sample.id)
        text = answer.text if answer else ""
        found = gates.check(text, briefs[sample.id]) if text else []
        fault = next((str(f) for f in found if f.severity == "fault"), "")
        return ReportAnswer(arm, inks[arm], text or (answer.error if answer else ""), fault)

    asked = [
        ReportBrief(
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


def _made(study: Study) -> dict[str, Any]:
    """How the study was made: what ran, what was pinned, what the arms were told."""
    manifest = read_manifest(study.folder)
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
def style() -> Markup:
    """Return the report's style sheet: the one thing in it besides text and SVG."""
    source = files("fencun.evaluate").joinpath("templates/report.css")
    return Markup(source.read_text(encoding="utf-8"))


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
    environment.globals["gate_label"] = gate_label
    environment.filters["cell"] = lambda text: " ".join(str(text).split()).replace("|", "\\|")
    return environment
