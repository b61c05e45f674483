"""The rules of the verdict as data: loaded, checked, hashed into a study before votes exist."""

from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from fencun.errors import FencunError
from fencun.evaluate.declared import read_yaml
from fencun.files import sha256_json
from fencun.language import say
from fencun.scenario import Declared

Decision = Literal[
    "unfit", "worth", "rag", "prompt", "bare", "mend", "none", "direction", "evidence"
]
RuleName = Literal[
    "task",
    "invented",
    "votes",
    "raters",
    "briefs",
    "answered",
    "prompt_sound",
    "robust",
    "beats",
    "direct",
    "send",
    "adds_little",
    "enough_send",
    "consistent",
    "agree",
]
VERSION = 2
# What costs less than tuning, the cheapest first.
CHEAPER: tuple[Literal["bare", "prompt", "rag"], ...] = ("bare", "prompt", "rag")
MOST_LUCK = 0.99  # with all of it a thousand texts a brief would do for one brief
SHIPPED = Path(__file__).with_name("rules.yaml")


class Sentence(Declared):
    """One sentence in both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return say(self.zh, self.en)


class Rule(Sentence):
    """One rule: what must hold, and the threshold ``at``."""

    at: float

    @property
    def told(self) -> Sentence:
        """The sentence with its threshold filled in."""
        at = int(self.at) if float(self.at).is_integer() and self.at >= 1 else self.at
        return Sentence(zh=self.zh.format(at=at), en=self.en.format(at=at))


class Look(Declared):
    """One time at which a verdict may be given.

    ``at`` is a multiple of the planned votes, ``alpha`` how often it may err on one side.
    """

    at: float = Field(ge=1)
    alpha: float = Field(gt=0, lt=0.25)

    @property
    def confidence(self) -> float:
        """Of the two-sided intervals that are read at this look."""
        return 1.0 - 2.0 * self.alpha


class PlanRules(Declared):
    """What the study is planned for: a true preference of ``effect`` found with ``power``.

    ``votes`` maps the number of arms to a mapping of the number of briefs to planned votes;
    ``luck`` is the part of what differs between texts that is the single text's, not the brief's.
    """

    effect: float = Field(gt=0.5, lt=1)
    power: float = Field(gt=0.5, lt=1)
    luck: float = Field(default=0.5, ge=0, le=MOST_LUCK)
    looks: tuple[Look, ...] = Field(min_length=1)
    votes: dict[int, dict[int, int]]

    @model_validator(mode="after")
    def _in_order(self) -> "PlanRules":
        at = [look.at for look in self.looks]
        if at != sorted(set(at)) or at[0] != 1:
            raise ValueError("looks begin at 1 and grow")
        if any(not votes for votes in self.votes.values()):
            raise ValueError("votes are planned for some number of briefs")
        return self


class VerdictRules(Declared):
    """All rules of a verdict: every :data:`RuleName`, and a sentence for each decision."""

    version: Literal[2]
    plan: PlanRules
    decisions: dict[Decision, Sentence]
    rules: dict[RuleName, Rule]

    @model_validator(mode="after")
    def _whole(self) -> "VerdictRules":
        if missing := set(get_args(RuleName)) - set(self.rules):
            raise ValueError(f"missing rules: {', '.join(sorted(missing))}")
        if missing := set(get_args(Decision)) - set(self.decisions):
            raise ValueError(f"missing decisions: {', '.join(sorted(missing))}")
        return self

    def at(self, name: RuleName) -> float:
        """Return the threshold of one rule."""
        return self.rules[name].at

    def with_luck(self, luck: float) -> "VerdictRules":
        """Return these rules, planned with the ``luck`` of single texts that a study measured."""
        plan = self.plan.model_copy(update={"luck": min(luck, MOST_LUCK)})
        return self.model_copy(update={"plan": plan})

    @property
    def hash(self) -> str:
        """Hex SHA-256 of everything declared: what a study pins before votes are counted."""
        return sha256_json(self.model_dump(mode="json"))


@cache
def shipped_rules() -> VerdictRules:
    """Return the rules that come with the product."""
    return load_rules(SHIPPED)


def load_rules(path: Path) -> VerdictRules:
    """Read rules from a YAML file.

    Raises:
        FencunError: the file cannot be read or does not declare rules; says where.
    """
    return parse_rules(read_yaml(path))


def parse_rules(declared: Any) -> VerdictRules:
    """Return rules from plain data, as a study keeps them.

    Raises:
        FencunError: they are not whole.
    """
    try:
        return VerdictRules.model_validate(declared)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"]) or "/"
        raise FencunError(
            f"规则写得不对：{field} {first['msg']}",
            f"The rules are malformed: {field} {first['msg']}",
        ) from error
