"""What is kept: seeds, drafts, samples. Frozen, unknown fields refused, each with a content hash.

On disk a record is one flat JSON line: its own fields and the dimensions of its scenario
side by side. In memory the dimensions are gathered under ``brief``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fencun.errors import RecordError
from fencun.files import Json, sha256_json
from fencun.mistakes import ended, first_of
from fencun.scenario import Handling, Scenario

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def from_row(
        cls, scenario: Scenario, row: Mapping[str, Any], *, line: int | None = None
    ) -> Self:
        """Read one flat row of a file.

        Raises:
            RecordError: a field is missing, unknown or of the wrong kind; names it and the line.
        """
        names = {dimension.name for dimension in scenario.dimensions}
        own = {key: value for key, value in row.items() if key not in names}
        brief = {key: value for key, value in row.items() if key in names}
        try:
            return cls(**{**own, "brief": brief})
        except (ValidationError, TypeError) as error:
            raise _malformed(error, line, {*names, *cls.model_fields}) from error

    def to_row(self) -> Json:
        """Return the flat row that :meth:`from_row` reads."""
        row: Json = {}
        for key, value in self.model_dump(exclude_defaults=False).items():
            if key == "brief":
                row.update(value)
            else:
                row[key] = value
        return row


class Tact(BaseModel):
    """A sensitive matter in a brief, and how the text deals with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    handling: Handling


class Seed(Record):
    """A line that shows the direction, written for itself and not derived from another.

    Who wrote it, and with what help, is told by the scenario's data card. ``why`` is for
    reviewers only.
    """

    id: Id
    brief: dict[str, str]
    text: Text
    tact: Tact | None = None
    why: str = ""

    @property
    def content_hash(self) -> str:
        """Hex SHA-256 of what a model learns from: the brief and the text."""
        return sha256_json({"brief": self.brief, "text": self.text})


class Draft(Seed):
    """A child of a seed or of another draft (``parent``), and who wrote it in which run.

    ``breeder`` is ``author`` for whoever wrote the scenario's own lines (its data card says
    who that is), else the name of a person or of a model.
    """

    parent: Id
    breeder: str = "author"
    run: str | None = None


class Sample(Seed):
    """A line of the dataset, with its lineage: ``family`` is the id of the seed it descends from.

    ``generation`` is 0 for a seed, 1 for its children; ``hash`` the content hash.
    """

    parent: Id | None = None
    family: Id
    generation: int = Field(ge=0)
    breeder: str = "author"
    run: str | None = None
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Asked(Sample):
    """A test brief; its text is a reference to read beside the answers, if there is one."""

    text: Annotated[str, StringConstraints(max_length=4000)] = ""


def _malformed(error: Exception, line: int | None, known: set[str]) -> RecordError:
    known = known - {"brief"}  # its fields stand side by side with the others
    zh, en = first_of(error, known) if isinstance(error, ValidationError) else ("", "")
    where_zh, where_en = (f"第 {line} 行", f"Line {line}") if line else ("这条记录", "This record")
    return RecordError(
        f"{where_zh}读不了：{ended(zh or str(error), '。')}",
        f"{where_en} is malformed: {ended(en or str(error), '.')}",
        line=line,
    )
