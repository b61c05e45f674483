"""Seeds as a team writes and mends them: versions in the store that lie over the scenario's file.

The file of a scenario is never changed here. Every change is a new version, so that nothing is
lost and the last change can be undone; what is being typed is kept as a sketch until saved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fencun.brief import parse_brief
from fencun.data.lines import DRAFTS, SEEDS, Line, iterate_lines, parse_row
from fencun.data.overlap import OverlapIndex
from fencun.data.privacy import find_private
from fencun.errors import BriefError, FencunError
from fencun.files import Json
from fencun.records import Seed
from fencun.scenario import Scenario
from fencun.store.schema import SeedVersionRow, SketchRow

SOURCE = "store"
_TEXT_MAX = 4000
_SKETCHES = 200  # a browser keeps so many; the oldest give way


class StaleError(FencunError):
    """Somebody else changed the seed since it was opened; nothing was overwritten."""

    code = "stale"
    status = 409


class UnknownSeedError(FencunError):
    """There is no seed of that id (any more)."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "没有这条种子，或已经删掉了。", "There is no such seed, or it was deleted."
        )


@dataclass(frozen=True, slots=True)
class SeedEntry:
    """A seed as it stands now. ``version`` is 0 where it is as the scenario ships it."""

    line: Line
    version: int = 0
    shipped: bool = True
    author: str = ""
    at: datetime | None = None


def shipped(scenario: Scenario) -> Mapping[str, Line]:
    """Return the seeds in the scenario's file by id; lines that cannot be read are left out."""
    return {line.id: line for line in lines_of(scenario, SEEDS)}


def children(scenario: Scenario) -> Mapping[str, int]:
    """Return how many of the scenario's drafts descend at once from each line."""
    found: dict[str, int] = {}
    for line in lines_of(scenario, DRAFTS):
        if line.parent:
            found[line.parent] = found.get(line.parent, 0) + 1
    return found


def lines_of(scenario: Scenario, name: str) -> tuple[Line, ...]:
    """Return the readable lines of a file of the scenario; read again only once it changed."""
    return _read(_Key(scenario), name, _state(scenario, name))


def _state(scenario: Scenario, name: str) -> tuple[int, int]:
    """Return what tells one state of a file of the scenario from another; zeros without a file."""
    try:
        status = (scenario.folder / name).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def echoes(scenario: Scenario) -> OverlapIndex:
    """Return the index of what the scenario's own lines say: its seeds, then its drafts.

    Built once for a state of the two files.
    """
    return _index(_Key(scenario), _state(scenario, SEEDS), _state(scenario, DRAFTS))


@lru_cache(maxsize=4)
def _index(key: "_Key", *states: tuple[int, int]) -> OverlapIndex:
    lines = (line for name in (SEEDS, DRAFTS) for line in lines_of(key.scenario, name))
    return OverlapIndex((line.id, line.text) for line in lines)


class _Key:
    """A scenario as a key of a cache: by its folder, for it has no hash of its own."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __hash__(self) -> int:
        return hash(self.scenario.folder)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.scenario is other.scenario


@lru_cache(maxsize=16)
def _read(key: _Key, name: str, state: tuple[int, int]) -> tuple[Line, ...]:
    if not any(state):
        return ()
    entries = iterate_lines(key.scenario.folder / name, key.scenario)
    return tuple(entry for entry in entries if isinstance(entry, Line))


def collection(session: Session, scenario: Scenario) -> list[SeedEntry]:
    """Return the seeds that stand: those written here, newest first, then the scenario's."""
    rows = _newest(session, scenario)
    ours = shipped(scenario)
    own = [row for name, row in rows.items() if name not in ours and row.record is not None]
    own.sort(key=lambda row: row.at, reverse=True)
    entries = [_readable(scenario, row, shipped=False) for row in own]
    for name, line in ours.items():
        row = rows.get(name)
        if row is None:
            entries.append(SeedEntry(line))
        elif row.record is not None:
            entries.append(_readable(scenario, row, shipped=True))
    return [entry for entry in entries if entry]


def known(session: Session, scenario: Scenario) -> dict[str, str | None]:
    """Return the id of every line that a draft may descend from, and its own parent."""
    parents: dict[str, str | None] = {row.seed: None for row in versions(session, scenario)}
    for name in (SEEDS, DRAFTS):
        parents.update({line.id: line.parent for line in lines_of(scenario, name)})
    return parents


def shipped_line(scenario: Scenario, identity: str) -> Line | None:
    """Return the line of the scenario's own files that has this id."""
    for name in (SEEDS, DRAFTS):
        for line in lines_of(scenario, name):
            if line.id == identity:
                return line
    return None


def find(session: Session, scenario: Scenario, seed: str) -> SeedEntry:
    """Return the seed of that id.

    Raises:
        UnknownSeedError: there is none (any more).
    """
    rows = versions(session, scenario, seed)
    line = shipped(scenario).get(seed)
    if rows and rows[-1].record is not None:
        return _entry(scenario, rows[-1], shipped=line is not None)
    if rows or line is None:
        raise UnknownSeedError()
    return SeedEntry(line)


def versions(session: Session, scenario: Scenario, seed: str | None = None) -> list[SeedVersionRow]:
    """Return every version of one seed (or of all), oldest first."""
    query = select(SeedVersionRow).where(SeedVersionRow.scenario == scenario.name)
    if seed is not None:
        query = query.where(SeedVersionRow.seed == seed)
    return list(session.scalars(query.order_by(SeedVersionRow.number, SeedVersionRow.at)))


def read_fields(scenario: Scenario, identity: str, fields: Mapping[str, str]) -> Seed:
    """Return the seed that a form holds: the dimensions, ``text``, ``why``, ``tact``, ``handling``.

    Raises:
        BriefError: a field is missing, is not one of the scenario's values, or holds private
            data; names it.
    """
    fields = _storable(fields)
    for name, value in fields.items():
        if found := find_private(value):
            raise BriefError(
                f"这里有{found[0].name}，数据里不能留；改写掉它。",
                f"There is a {found[0].name} here; data must not keep it. Rewrite it.",
                field=name,
            )
    names = {dimension.name for dimension in scenario.dimensions}
    brief = parse_brief(
        scenario, {name: value for name, value in fields.items() if name in names}, strict=True
    )
    text = fields.get("text", "").strip()
    if not text:
        raise BriefError("正文还空着。", "There is no text yet.", field="text")
    if len(text) > _TEXT_MAX:
        raise BriefError(
            f"正文太长：最多 {_TEXT_MAX} 字。",
            f"The text is too long: at most {_TEXT_MAX} characters.",
            field="text",
        )
    row: Json = {"id": identity, **brief.values, "text": text, "why": fields.get("why", "").strip()}
    row["tact"] = _tact(scenario, fields)
    return parse_row(scenario, row)[0]


def _storable(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, lines ended alike, without NUL, which PostgreSQL does not hold."""
    plain = str.maketrans({"\r": None, "\0": None})
    return {name.translate(plain): value.translate(plain) for name, value in fields.items()}


def _tact(scenario: Scenario, fields: Mapping[str, str]) -> Json | None:
    topic = fields.get("tact", "")
    if not topic:
        return None
    known = {entry.name: entry for entry in scenario.tact}
    if topic not in known:
        raise BriefError(
            f"没有“{topic}”这个分寸话题。", f"Unknown tact topic {topic!r}.", field="tact"
        )
    handling = fields.get("handling") or known[topic].handling
    if handling not in ("不提", "轻提"):
        raise BriefError(
            "分寸只有“不提”和“轻提”两种。", "Tact is 不提 or 轻提, nothing else.", field="tact"
        )
    return {"topic": topic, "handling": handling}


def save(
    session: Session, scenario: Scenario, record: Seed, *, identity: str, base: int, author: str
) -> SeedVersionRow:
    """Keep ``record`` as the next version; ``base`` is the version that was opened (0: none).

    Raises:
        StaleError: another version came in between.
    """
    return _append(
        session, scenario, record.id, record, identity=identity, base=base, author=author
    )


def remove(
    session: Session, scenario: Scenario, seed: str, *, identity: str, author: str
) -> SeedVersionRow:
    """Delete a seed; its versions stay, so that :func:`undo` brings it back.

    Raises:
        UnknownSeedError: there is none (any more).
    """
    entry = find(session, scenario, seed)
    return _append(
        session, scenario, seed, None, identity=identity, base=entry.version, author=author
    )


def undo(
    session: Session, scenario: Scenario, seed: str, *, identity: str, author: str
) -> SeedVersionRow:
    """Put the version before the last one back, as a version of its own.

    Raises:
        UnknownSeedError: nothing was changed here.
    """
    if (again := session.get(SeedVersionRow, identity)) is not None:
        return again
    rows = versions(session, scenario, seed)
    if not rows:
        raise UnknownSeedError()
    record = rows[-2].record if len(rows) > 1 else None
    line = shipped(scenario).get(seed)
    before = (
        Seed.from_row(scenario, record)
        if record
        else line.record
        if len(rows) == 1 and line
        else None
    )
    return _append(
        session, scenario, seed, before, identity=identity, base=rows[-1].number, author=author
    )


def _append(
    session: Session,
    scenario: Scenario,
    seed: str,
    record: Seed | None,
    *,
    identity: str,
    base: int,
    author: str,
) -> SeedVersionRow:
    if (again := session.get(SeedVersionRow, identity)) is not None:
        return again
    rows = versions(session, scenario, seed)
    number = rows[-1].number if rows else 0
    if number != base:
        who = (rows[-1].author if rows else "") or "别人"
        raise StaleError(
            f"这条刚被{who}改过，您打的字还在；重新打开它看看，再存。",
            "Somebody changed this seed meanwhile; what you typed is still here. "
            "Open it again, look, then save.",
        )
    line = shipped(scenario).get(seed)
    before = rows[-1].record if rows else line.record.to_row() if line else None
    row = SeedVersionRow(
        id=identity,
        scenario=scenario.name,
        seed=seed,
        number=number + 1,
        record=record.to_row() if record else None,
        replaces=Seed.from_row(scenario, before).content_hash if before else None,
        author=author,
    )
    session.add(row)
    session.flush()
    return row


def _newest(session: Session, scenario: Scenario) -> dict[str, SeedVersionRow]:
    return {row.seed: row for row in versions(session, scenario)}


def _readable(scenario: Scenario, row: SeedVersionRow, *, shipped: bool) -> SeedEntry | None:
    """Return the entry of ``row``; None where the scenario has changed too much to read it."""
    try:
        return _entry(scenario, row, shipped=shipped)
    except FencunError:
        return None  # it stays in the lineage that can be downloaded


def _entry(scenario: Scenario, row: SeedVersionRow, *, shipped: bool) -> SeedEntry:
    assert row.record is not None
    line = Line(SOURCE, row.number, *parse_row(scenario, row.record))
    return SeedEntry(line, row.number, shipped, row.author, row.at)


def keep_sketch(
    session: Session,
    scenario: Scenario,
    *,
    identity: str,
    owner: str,
    seed: str,
    fields: Mapping[str, str],
    turn: int,
) -> bool:
    """Keep what is being typed.

    False where a later turn is kept already, where it was saved (a seed is saved under the
    identity of its sketch), or where it is another's.
    """
    if session.get(SeedVersionRow, identity) is not None:
        return False  # it was saved; this came late
    row = session.get(SketchRow, identity)
    if row is None:
        _make_room(session, owner)
        row = SketchRow(
            id=identity, scenario=scenario.name, owner=owner, seed=seed, fields={}, turn=-1
        )
        session.add(row)
    if row.owner != owner or row.turn >= turn:
        return False
    row.fields, row.turn = _storable(fields), turn
    session.flush()
    return True


def sketches(session: Session, scenario: Scenario, owner: str) -> Sequence[SketchRow]:
    """Return what ``owner`` has typed and not saved, newest first."""
    query = (
        select(SketchRow)
        .where(SketchRow.owner == owner, SketchRow.scenario == scenario.name)
        .order_by(SketchRow.at.desc(), SketchRow.id)
    )
    return list(session.scalars(query))


def drop_sketch(session: Session, identity: str, owner: str) -> None:
    """Forget a sketch, because it was saved or thrown away."""
    session.execute(delete(SketchRow).where(SketchRow.id == identity, SketchRow.owner == owner))


def _make_room(session: Session, owner: str) -> None:
    query = select(SketchRow.id).where(SketchRow.owner == owner).order_by(SketchRow.at.desc())
    surplus = list(session.scalars(query.offset(_SKETCHES - 1)))
    if surplus:
        session.execute(delete(SketchRow).where(SketchRow.id.in_(surplus)))
