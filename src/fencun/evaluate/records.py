"""What an evaluation keeps: answers, and the votes of people on them. Frozen, nothing unknown."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fencun import labels
from fencun.errors import RecordError
from fencun.files import Json, sha256_json
from fencun.records import Id

Choice = Literal["left", "right", "tie", "neither"]
Reason = Literal["cliche", "greasy", "misfit", "long", "invented", "exposed", "unlike"]
Scale = Literal["facts", "style", "natural"]
Source = Literal["web", "paper"]

BALLOTS = 30  # how many a rater gets unless told otherwise: about twenty minutes

# What a rater taps to say why an answer cannot be sent as it is.
REASONS: dict[Reason, labels.Label] = {
    reason: labels.REASONS[reason] for reason in get_args(Reason)
}
SCALES: dict[Scale, tuple[str, str]] = {
    "facts": ("事实准确", "facts right"),
    "style": ("风格契合", "style fits"),
    "natural": ("表达自然", "sounds natural"),
}
CHOICES: dict[Choice, tuple[str, str]] = {
    "left": ("左好", "left is better"),
    "right": ("右好", "right is better"),
    "tie": ("一样好", "equally good"),
    "neither": ("都不行", "neither will do"),
}

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def from_row(cls, row: Json, line: int | None = None) -> Self:
        """Read one line of a file.

        Raises:
            RecordError: a field is missing, unknown or of the wrong kind; names it and the line.
        """
        try:
            return cls.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(step) for step in first["loc"]) or "/"
            at_zh, at_en = (
                (f"第 {line} 行", f"line {line}") if line else ("这条记录", "this record")
            )
            raise RecordError(
                f"{at_zh}的 {field} 读不了：{first['msg']}。",
                f"{field} of {at_en} is malformed: {first['msg']}.",
                line=line,
            ) from error


class Answer(Row):
    """What one arm answered to one brief, and everything needed to ask it again.

    ``prompt`` is the hash of the whole chat: ``prefix`` is the hash of what it begins with for
    every brief of the arm (the text lies once in the study), then come the ``examples``
    retrieved, by seed id, and ``user``, the last message whole. All are empty for lines that
    people wrote. ``seconds`` is wall time. A failed answer has no ``text`` but an ``error``.
    ``draw`` counts from 0 where an arm wrote several for one brief.
    """

    brief: Id
    arm: Id
    draw: int = Field(default=0, ge=0)
    text: str = ""
    error: str = ""
    engine: str
    model: str = ""
    adapter: str = ""
    prompt: str = ""
    prefix: str = ""
    examples: tuple[Id, ...] = ()
    user: str = ""
    seed: int = 0
    finish: Literal["stop", "length", ""] = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    mean_logprob: float | None = None
    seconds: float = Field(default=0.0, ge=0)

    @property
    def failed(self) -> bool:
        """Whether the arm gave no text."""
        return not self.text

    @property
    def hash(self) -> str:
        """Hex SHA-256 of what a rater sees: brief and text."""
        return sha256_json({"brief": self.brief, "text": self.text})


class Opinion(Row):
    """What a rater said about one of the two answers. ``send`` is None where it was not said."""

    send: bool | None = None
    reasons: tuple[Reason, ...] = ()
    scales: dict[Scale, Annotated[int, Field(ge=1, le=5)]] = {}


class Vote(Row):
    """One ballot, cast. ``left`` and ``right`` are the arms; their hashes pin the texts seen.

    ``rater`` is an id, ``name`` what the rater is called; ``repeat_of`` is the id of the
    earlier ballot that this one asks again, sides swapped. ``seconds`` is how long the page
    was open (None on paper); ``at`` is UTC, ISO 8601. ``invited`` seats were given to one
    person; ``browser`` and ``address`` are keyed hashes of where an open seat was taken, by
    which it is recognised; ``apart`` is the host's word that this is a person of its own.
    """

    id: Id
    rater: Id
    name: Annotated[str, StringConstraints(max_length=40)] = ""
    brief: Id
    left: Id
    right: Id
    left_hash: Hash
    right_hash: Hash
    choice: Choice
    left_opinion: Opinion = Opinion()
    right_opinion: Opinion = Opinion()
    repeat_of: Id | None = None
    seconds: float | None = Field(default=None, ge=0)
    at: str = ""
    source: Source = "web"
    invited: bool = False
    browser: str = Field(default="", max_length=32)
    address: str = Field(default="", max_length=32)
    apart: bool = False
