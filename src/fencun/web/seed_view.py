"""What the page 种子 shows: the form filled in, what the gates say of it, the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from fencun.brief import Brief
from fencun.data.axes import axes
from fencun.data.coverage import cell_of
from fencun.data.lines import parse_row
from fencun.data.overlap import OverlapIndex
from fencun.errors import BriefError
from fencun.gates import Finding, Gates
from fencun.records import Seed
from fencun.scenario import Dimension, Scenario
from fencun.store import seeds
from fencun.store.schema import SketchRow
from fencun.store.seeds import SeedEntry
from fencun.web.shapes import check_shape
from fencun.web.strict import small_number

_SHOWN = 20
_LONG = 30  # a text field that takes more characters than this gets several lines

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which seeds a list shows: words in them, values on the axes, only those changed here."""

    words: str
    cell: Mapping[str, str]
    own: bool

    def fits(self, entry: SeedEntry) -> bool:
        """Whether ``entry`` is shown."""
        line = entry.line
        if self.own and not entry.version:
            return False
        texts = (line.id, line.text, *line.brief.values.values())
        if self.words and not any(self.words in text for text in texts):
            return False
        cell = cell_of(line) if self.cell else {}
        return all(cell.get(axis) == value for axis, value in self.cell.items())


def view(
    session: Session, scenario: Scenario, gates: Gates, asked: Mapping[str, str], owner: str
) -> Values:
    """Return the values of the page for the query ``asked``.

    Raises:
        UnknownSeedError: the seed to be mended is not there (any more).
    """
    entries = seeds.collection(session, scenario)
    known = {axis.name: set(axis.values) for axis in axes(scenario)}
    cell = {name: asked[name] for name in known if asked.get(name) in known[name]}
    wanted = Wanted(asked.get("q", "").strip()[:80], cell, asked.get("own") == "1")
    sketches = list(seeds.sketches(session, scenario, owner)) if owner else []
    entry, sketch = _opened(session, scenario, asked, sketches)
    return {
        "form": _form(scenario, cell, entry, sketch),
        "fields": [_field(dimension) for dimension in scenario.dimensions],
        "topics": scenario.tact,
        "shape": {
            "ranges": _ranges(scenario),
            "to": [dimension.name for dimension in _addressed(scenario)],
            "brief": [dimension.name for dimension in scenario.dimensions],
        },
        "scenario": scenario,
        "sketches": [_sketch(scenario, row) for row in sketches if row is not sketch],
        "cell": cell,
        "wanted": wanted,
        **_list(scenario, gates, [e for e in entries if wanted.fits(e)], asked, cell),
    }


def _opened(
    session: Session, scenario: Scenario, asked: Mapping[str, str], sketches: list[SketchRow]
) -> tuple[SeedEntry | None, SketchRow | None]:
    """Return the seed to be mended and the sketch to go on with, as far as they are asked for."""
    sketch = next((row for row in sketches if row.id == asked.get("sketch")), None)
    seed = asked.get("edit", "")[:64] or (sketch.seed if sketch else "")
    return (seeds.find(session, scenario, seed) if seed else None), sketch


def _form(
    scenario: Scenario, cell: Mapping[str, str], entry: SeedEntry | None, sketch: SketchRow | None
) -> Values:
    record = entry.line.record if entry else None
    values: dict[str, str] = {}
    for dimension in scenario.dimensions:
        fresh = cell.get(dimension.name) or dimension.default or ""
        values[dimension.name] = record.brief[dimension.name] if record else fresh
    values["text"] = record.text if record else ""
    values["why"] = record.why if record else ""
    values["tact"] = record.tact.topic if record and record.tact else ""
    values["handling"] = record.tact.handling if record and record.tact else ""
    form = {
        "values": values,
        "seed": record.id if record else "",
        "base": entry.version if entry else 0,
        "shipped": bool(entry and entry.shipped),
        "sketch": sketch.id if sketch else "",
        "turn": sketch.turn if sketch else 0,
    }
    return filled(form, sketch.fields) if sketch else form


def filled(form: Values, typed: Mapping[str, str]) -> Values:
    """Return ``form`` with what was typed into it."""
    known = form["values"]
    return {**form, "values": {**known, **{k: v for k, v in typed.items() if k in known}}}


def _field(dimension: Dimension) -> Values:
    return {
        "name": dimension.name,
        "label": dimension.label,
        "en": dimension.en,
        "hint": dimension.hint,
        "hint_en": dimension.hint_en,
        "role": dimension.role or dimension.kind,
        "choices": dimension.choices,
        "limit": dimension.max_chars,
        "long": dimension.kind == "text" and dimension.max_chars > _LONG,
        "required": dimension.required and dimension.default is None,
    }


def _ranges(scenario: Scenario) -> Values:
    """Return the field that says how long a text shall be, and the range of each value."""
    length = scenario.role("length")
    choices = length.choices if length else ()
    ranges = {c.value: [c.range.min, c.range.max] for c in choices if c.range}
    return {**ranges, "name": length.name if length else None}


def _addressed(scenario: Scenario) -> list[Dimension]:
    """Return the fields that say to whom a text goes, as far as the scenario has them."""
    asked = (scenario.role("salutation"), scenario.role("audience"))
    return [dimension for dimension in asked if dimension]


def _sketch(scenario: Scenario, row: SketchRow) -> Values:
    """Return how an unfinished sketch is announced: to whom, and how it begins."""
    names = [row.fields.get(dimension.name, "") for dimension in _addressed(scenario)]
    return {
        "id": row.id,
        "seed": row.seed,
        "to": " · ".join(name for name in names if name),
        "text": " ".join(row.fields.get("text", "").split())[:40],
        "at": row.at.isoformat(timespec="seconds"),
    }


def _list(
    scenario: Scenario,
    gates: Gates,
    fitting: list[SeedEntry],
    asked: Mapping[str, str],
    cell: Mapping[str, str],
) -> Values:
    number = asked.get("page", "1")
    last = max(1, -(-len(fitting) // _SHOWN))
    page = min(max(1, small_number(number, 1)), last)
    children = seeds.children(scenario)
    kept = {key: asked[key] for key in ("q", "own") if asked.get(key)}

    def address(to: int) -> str:
        return f"?{urlencode({**cell, **kept, 'page': to})}#list"

    return {
        "entries": [
            _shown(gates, entry, children.get(entry.line.id, 0))
            for entry in fitting[_SHOWN * (page - 1) : _SHOWN * page]
        ],
        "count": len(fitting),
        "page_number": page,
        "pages": last,
        "before": address(page - 1) if page > 1 else None,
        "after": address(page + 1) if page < last else None,
    }


def _shown(gates: Gates, entry: SeedEntry, children: int) -> Values:
    line = entry.line
    chosen = [
        line.brief.values[dimension.name]
        for dimension in line.brief.scenario.dimensions
        if dimension.kind != "text"
    ]
    return {
        "id": line.id,
        "to": line.brief.value("salutation"),
        "asked": chosen,
        "detail": line.brief.value("detail"),
        "text": line.text,
        "why": line.record.why,
        "tact": line.record.tact,
        "changed": entry.version > 0,
        "shipped": entry.shipped,
        "author": entry.author,
        "children": children,
        "findings": gates.check(line.text, line.brief),
    }


def look(
    scenario: Scenario,
    gates: Gates,
    entries: list[SeedEntry],
    fields: Mapping[str, str],
    seed: str,
) -> Values:
    """Return what the gates, and the other seeds, say of a form that may be half filled in."""
    text = fields.get("text", "")
    detail = scenario.role("detail")
    topics = scenario.topics_in(fields.get(detail.name, "")) if detail else ()
    found: Values = {
        "passed": None,
        "count": len("".join(text.split())),
        "gates": [],
        "field": None,
        "message": None,
        "topics": [{"name": topic.name, "handling": topic.handling} for topic in topics],
    }
    try:
        record = seeds.read_fields(scenario, seed or "new", fields)
    except BriefError as error:
        return {**found, "field": error.field, "message": str(error)}
    findings = _findings(scenario, gates, entries, record)
    return {**found, **check_shape(record.text, findings)}


def _findings(
    scenario: Scenario, gates: Gates, entries: list[SeedEntry], record: Seed
) -> list[Finding]:
    brief: Brief = parse_row(scenario, record.to_row())[1]
    found = gates.check(record.text, brief)
    changed = {entry.line.id: entry.line.text for entry in entries if entry.version}
    standing = {entry.line.id for entry in entries}
    gone = {name for name in seeds.shipped(scenario) if name not in standing}
    echo = seeds.echoes(scenario).check(record.text, {record.id, *changed, *gone})
    changed.pop(record.id, None)
    return [*(echo or OverlapIndex(changed.items()).check(record.text)), *found]
