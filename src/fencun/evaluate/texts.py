"""Texts that are to be read, from wherever they lie: each with its brief, and who showed it where.

Three shapes are understood: a row with its brief (dimensions flat or under ``brief``), a row of
``fencun write --briefs … --out`` whose brief lies in a file of briefs, and the answers of a study.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fencun.brief import Brief, parse_brief
from fencun.errors import BriefError, FencunError, RecordError
from fencun.evaluate.study import Study
from fencun.files import Json, sha256_json, whole_rows
from fencun.gates.text import storable
from fencun.scenario import Scenario

_ID_CHARS = 200


@dataclass(frozen=True, slots=True)
class BriefToRead:
    """A brief under its id, as it was typed. ``topic`` is its sensitive matter, or empty."""

    id: str
    typed: Mapping[str, str]
    brief: Brief
    topic: str


@dataclass(frozen=True, slots=True)
class Place:
    """Which arm showed a text, and at which place among those it showed (from 1).

    ``sendable`` is what its verifier held of it, from 0 to 1; None where it has none.
    """

    arm: str
    place: int
    sendable: float | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One text to one brief; ``shown`` has several places where several arms said the same."""

    asked: BriefToRead
    text: str
    shown: list[Place]

    @property
    def hash(self) -> str:
        """Hex SHA-256 of what is read: the brief and the text."""
        return hash_of(self.asked.brief, self.text)


def hash_of(brief: Brief, text: str) -> str:
    """Return the hash by which a text read for ``brief`` is known again."""
    return sha256_json({"brief": dict(brief.values), "text": storable(text).strip()})


@dataclass(slots=True)
class Gathering:
    """The texts found, each once for its brief, and how many answers held none."""

    scenario: Scenario
    asked: dict[str, BriefToRead] = field(default_factory=dict)
    empty: int = 0
    _texts: dict[tuple[str, str], Text] = field(default_factory=dict)
    _places: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def texts(self) -> list[Text]:
        """The texts, in the order in which they were found."""
        return list(self._texts.values())

    def read_briefs(self, path: Path) -> None:
        """Learn the briefs of a file: an ``id`` and the dimensions a line, other fields ignored.

        Raises:
            RecordError: a line cannot be read, or gives a known id to another brief.
        """
        for line, row in whole_rows(path):
            self._know(self._asked(path, line, row, row), path, line)

    def read_answers(self, path: Path, arm: str = "") -> None:
        """Take the texts of a file; ``arm`` is what they are called whatever the rows say.

        Raises:
            RecordError: a line cannot be read, has no text, or its brief is not known.
        """
        for line, row in whole_rows(path):
            asked = self._brief_of(path, line, row)
            name = arm or row.get("arm") or path.stem
            for text, sendable in _texts_of(path, line, row):
                self._take(asked, str(name), text, sendable)

    def read_study(self, study: Study) -> None:
        """Take the answers of a study, with its briefs."""
        briefs = study.parsed_briefs()
        asked = {
            sample.id: BriefToRead(
                sample.id, sample.brief, briefs[sample.id], _topic(sample.tact, briefs[sample.id])
            )
            for sample in study.briefs()
        }
        for answer in study.answers():
            self._take(asked[answer.brief], answer.arm, answer.text)

    def _take(self, asked: BriefToRead, arm: str, text: str, sendable: float | None = None) -> None:
        text = storable(text).strip()
        if not text:
            self.empty += 1
            return
        lines = asked.brief.lines()
        self._places[arm, lines] += 1
        place = Place(arm, self._places[arm, lines], sendable)
        self._texts.setdefault((lines, text), Text(asked, text, [])).shown.append(place)

    def _know(self, asked: BriefToRead, path: Path, line: int) -> None:
        known = self.asked.setdefault(asked.id, asked)
        if known.brief.lines() != asked.brief.lines():
            raise RecordError(
                f"{path} 第 {line} 行的 id {asked.id} 已经是另一条需求了。",
                f"{path} line {line}: the id {asked.id} is another brief's already.",
                line=line,
            )

    def _brief_of(self, path: Path, line: int, row: Json) -> BriefToRead:
        nested = row.get("brief")
        if isinstance(nested, dict):
            return self._asked(path, line, row, nested | _object(row.get("words")))
        if not isinstance(nested, str) and any(d.name in row for d in self.scenario.dimensions):
            return self._asked(path, line, row, row)
        identity = nested if isinstance(nested, str) else _identity(row, path, line)
        if identity not in self.asked:
            raise RecordError(
                f"{path} 第 {line} 行只有 id（{identity[:40]}），找不到它的需求；"
                "用 --briefs 给出需求文件。",
                f"{path} line {line} has only an id ({identity[:40]}) and its brief is not known; "
                "give the file of briefs with --briefs.",
                line=line,
            )
        return self.asked[identity]

    def _asked(self, path: Path, line: int, row: Json, values: Json) -> BriefToRead:
        names = [dimension.name for dimension in self.scenario.dimensions]
        typed = {name: values[name] for name in names if values.get(name) is not None}
        try:
            brief = parse_brief(self.scenario, typed)
        except BriefError as error:
            raise RecordError(
                f"{path} 第 {line} 行：{error.zh}", f"{path} line {line}: {error.en}", line=line
            ) from error
        return BriefToRead(_identity(row, path, line), typed, brief, _topic(row.get("tact"), brief))


def gather(
    scenario: Scenario,
    answers: Iterable[tuple[str, Path]],
    briefs: Iterable[Path] = (),
    studies: Iterable[Study] = (),
) -> Gathering:
    """Return the texts of ``answers`` (arm, or empty for what the rows say; file) and studies.

    Raises:
        RecordError: a line cannot be read; names the file and the line.
        FencunError: a file cannot be opened, or there is no text at all.
    """
    found = Gathering(scenario)
    for path in briefs:
        found.read_briefs(path)
    for arm, path in answers:
        found.read_answers(path, arm)
    for study in studies:
        found.read_study(study)
    if not found.texts:
        raise FencunError("没有可读的文字。", "There is no text to read.")
    return found


def _identity(row: Json, path: Path, line: int) -> str:
    """Return the id of a row as text.

    Raises:
        RecordError: it has none.
    """
    identity = row.get("id")
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str) or not 0 < len(identity) <= _ID_CHARS:
        raise RecordError(
            f"{path} 第 {line} 行没有 id。", f"{path} line {line} has no id.", line=line
        )
    return identity


def _texts_of(path: Path, line: int, row: Json) -> list[tuple[str, float | None]]:
    """Return the texts of a row in their order, each with what the verifier held of it."""
    given = _list(row["candidates"]) if "candidates" in row else [row]
    said = [(c.get("text"), c.get("sendable")) if isinstance(c, dict) else (c, None) for c in given]
    texts = [(text, _share(held)) for text, held in said if isinstance(text, str)]
    if not texts or len(texts) < len(said):
        raise RecordError(
            f"{path} 第 {line} 行没有 text，也没有 candidates。",
            f"{path} line {line} has neither text nor candidates.",
            line=line,
        )
    return texts


def _topic(tact: object, brief: Brief) -> str:
    """Return the sensitive matter as declared, else as the scenario's patterns find it."""
    declared = tact.get("topic") if isinstance(tact, dict) else getattr(tact, "topic", None)
    if isinstance(declared, str):
        return declared
    return brief.topics[0].name if brief.topics else ""


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _share(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None
