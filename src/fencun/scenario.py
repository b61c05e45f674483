"""A scenario as declared in YAML: what is asked for, what is allowed, what counts as tact.

No code knows about any one scenario. Gates and prompts find what they need by the
*role* of a dimension (who is addressed, what happened, how long), never by its name.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from fencun.errors import ScenarioError
from fencun.home import scenarios_dir
from fencun.lunar import LunarDay
from fencun.mistakes import Mistake, WrongError, listed, of_keys, of_syntax, of_values
from fencun.script import plain
from fencun.tact import TactModel, load_model, told
from fencun.words import Patterns as Finder

Kind = Literal["text", "choice", "length"]
Role = Literal["salutation", "audience", "detail", "style", "length"]
Person = Literal["您", "你", "你们", "any"]
Handling = Literal["不提", "轻提"]
EVE = "eve"  # the last day of the twelfth month, the 29th or the 30th
_DAYS = re.compile(r"(1[0-2]|[1-9])-([12]\d|30|[1-9])(?:\.\.(1[0-2]|[1-9])-([12]\d|30|[1-9]))?")
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise WrongError(f"正则表达式 {pattern} 写错了：{error}", f"{pattern}: {error}") from error
    return pattern


def _are_days(days: str) -> str:
    if days != EVE:
        first, last = _span(days)
        if not first or not last or first > last:
            raise WrongError(
                f"{days} 不是农历日子；写 12-23、1-4..1-6 或 {EVE}",
                f"{days}: no lunar days; write 12-23, 1-4..1-6 or {EVE}",
            )
    return days


def _span(days: str) -> tuple[LunarDay, LunarDay] | tuple[None, None]:
    """Return the first and the last of the lunar ``days``; None where they are none."""
    if not (match := _DAYS.fullmatch(days)):
        return None, None
    first = LunarDay(int(match[1]), int(match[2]))
    return first, LunarDay(int(match[3]), int(match[4])) if match[3] else first


Days = Annotated[Word, AfterValidator(_are_days)]
Pattern = Annotated[Word, AfterValidator(_compiles)]
Patterns = tuple[Pattern, ...]


class Declared(BaseModel):
    """Base of everything a YAML file declares: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LengthRange(Declared):
    """Allowed length in characters, punctuation included, white space not; both ends count."""

    min: int = Field(ge=1)
    max: int = Field(ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> "LengthRange":
        if self.min > self.max:
            raise WrongError("min 比 max 大", "min is above max")
        return self


class Choice(Declared):
    """One allowed value of a dimension, what people call it, and what it implies.

    ``marks`` are regular expressions that give this choice away wherever they stand in what
    a person typed. ``mine`` says that it is somebody of the writer's own: "客户的女儿" is no 女儿.
    ``person`` is how this audience is addressed, ``joke`` whether one may tease;
    ``range`` is given for lengths only. ``note`` goes into the engineered prompt.
    ``loose`` are names that anything near may have, and that yield to all others (春节).
    ``days`` are the lunar days it is for: ``12-23``, ``1-4..1-6``, ``eve``; ``any_day`` says that
    it may be meant on others too, ``day_note`` is told instead of ``note`` on all but the first
    of them, with the day for ``{day}``. ``spoken`` says that the value is what people say anyway
    (我们的错), and so no leak where it stands in a text.
    """

    value: Word
    en: Word
    aliases: tuple[Word, ...] = ()
    marks: Patterns = ()
    mine: bool = False
    person: Person = "any"
    joke: bool = True
    range: LengthRange | None = None
    note: str = ""
    loose: tuple[Word, ...] = ()
    days: tuple[Days, ...] = ()
    any_day: bool = False
    day_note: str = ""
    spoken: bool = False

    @property
    def all_names(self) -> tuple[str, ...]:
        """The value, the aliases and the loose names."""
        return (self.value, *self.aliases, *self.loose)

    @cached_property
    def plain_loose(self) -> frozenset[str]:
        """The loose names as :func:`fencun.script.plain` reads them."""
        return frozenset(map(plain, self.loose))

    @cached_property
    def first_day(self) -> LunarDay | None:
        """The first of the lunar days that this choice is for; None where it is for none."""
        return next((first for first, _ in map(_span, self.days) if first), None)

    def spans(self, eve: LunarDay) -> list[tuple[LunarDay, LunarDay]]:
        """Return first and last of the lunar days it is for, in a year with this ``eve``."""
        spans = [(eve, eve) if days == EVE else _span(days) for days in self.days]
        return [(first, last) for first, last in spans if first and last]

    def is_for(self, day: LunarDay, eve: LunarDay) -> bool:
        """Return whether ``day`` is one of this choice's, in a year with this ``eve``."""
        return any(first <= day <= last for first, last in self.spans(eve))


class Dimension(Declared):
    """One field of a brief.

    ``line`` is how the field is named in the prompt (default: ``label``); ``match`` says
    where an alias may stand in what a person typed: Chinese puts the head noun last, so
    "高中班主任" is a 班主任 while "老板的秘书" is no 老板.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$")]
    label: Word
    en: Word
    kind: Kind
    role: Role | None = None
    line: Word | None = None
    required: bool = True
    max_chars: int = Field(default=40, ge=1, le=2000)
    hint: str = ""
    hint_en: str = ""
    default: str | None = None
    match: Literal["ending", "anywhere"] = "anywhere"
    choices: tuple[Choice, ...] = ()
    limits: LengthRange | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Dimension":
        if (self.kind == "text") == bool(self.choices):
            raise WrongError(
                f"{self.name} 是 {self.kind}，{'不该有' if self.choices else '要有'} choices",
                f"{self.name}: kind {self.kind} and its choices do not agree",
            )
        names = [name for choice in self.choices for name in choice.all_names]
        if twice := {name for name in names if names.count(name) > 1}:
            said = "、".join(sorted(twice))
            raise WrongError(f"{self.name} 里重复了：{said}", f"{self.name}: said twice: {said}")
        if self.kind == "length" and not all(choice.range for choice in self.choices):
            raise WrongError(
                f"{self.name} 的每一档都要有 range", f"{self.name}: every length needs a range"
            )
        return self

    def choice(self, value: str) -> Choice | None:
        """Return the choice whose value is exactly ``value``."""
        return self._by_value.get(value)

    @cached_property
    def _by_value(self) -> dict[str, Choice]:
        return {choice.value: choice for choice in self.choices}

    @cached_property
    def names(self) -> dict[str, Choice]:
        """Every value and alias, and the choice it stands for."""
        return {name: choice for choice in self.choices for name in choice.all_names}

    @cached_property
    def plain_names(self) -> dict[str, Choice]:
        """As :attr:`names`, each name as :func:`fencun.script.plain` reads it."""
        return {plain(name): choice for name, choice in self.names.items()}

    @cached_property
    def has_days(self) -> bool:
        """Whether lunar days are among what can be chosen."""
        return any(choice.days for choice in self.choices)


class TactTopic(Declared):
    """A sensitive matter: ``cues`` (regular expressions) betray it in a brief, but for ``unless``.

    Both read the detail as :func:`fencun.tact.told`. ``words`` and ``tells`` (regular
    expressions) name it in a text, ``unfit`` words jar with it; ``allowed`` holds longer words
    in which one of them is innocent.
    """

    name: Word
    en: Word
    handling: Handling
    cues: Patterns
    unless: Patterns = ()
    words: tuple[Word, ...]
    tells: Patterns = ()
    unfit: tuple[Word, ...] = ()
    allowed: tuple[Word, ...] = ()

    def holds(self, found: set[str], detail: str) -> bool:
        """Return whether the cues ``found`` in ``detail`` are this matter's, and stand."""
        return not found.isdisjoint(self.cues) and self.stands(detail)

    def stands(self, detail: str) -> bool:
        """Return whether nothing in ``detail`` says that it is not this matter after all."""
        return not any(re.search(pattern, detail) for pattern in self.unless)


class Case(Declared):
    """What a text must not or must say where the brief has these values.

    ``when`` maps dimensions to one value or to several of which one holds; empty is always.
    ``refuse`` are regular expressions that must not stand in the text, ``require`` such that must,
    each of them; ``no_amounts`` refuses sums, shares and discounts that the brief does not tell,
    in figures of either script. ``why`` is told with the fault.
    """

    when: dict[str, Word | tuple[Word, ...]] = {}
    refuse: Patterns = ()
    require: Patterns = ()
    no_amounts: bool = False
    why: str = ""
    why_en: str = ""

    def holds(self, values: Mapping[str, str]) -> bool:
        """Return whether a brief with these canonical ``values`` is such a case."""
        return all(values.get(name) in self.wanted(name) for name in self.when)

    def wanted(self, name: str) -> tuple[str, ...]:
        """Return the values of dimension ``name`` for which this holds."""
        values = self.when[name]
        return (values,) if isinstance(values, str) else values


class Rules(Declared):
    """What the gates of this scenario refuse, as data.

    ``openings``, ``cliches``, ``endings``, ``stiff`` (doubted, not refused) and ``favours`` are
    regular expressions; ``flat`` (words that say nothing, refused when many meet), ``idioms``,
    ``places`` and ``matters`` (grave things that no text brings up by itself) plain words;
    ``letter`` allows what a letter has: title, signature, paragraphs. ``insults`` are regular
    expressions too, ``cases`` what holds for some briefs only.
    """

    openings: Patterns = ()
    cliches: Patterns = ()
    idioms: tuple[Word, ...] = ()
    endings: Patterns = ()
    stiff: Patterns = ()
    flat: tuple[Word, ...] = ()
    max_exclamations: int = Field(default=2, ge=0)
    max_emoji: int = Field(default=1, ge=0)
    calendar: bool = False
    letter: bool = False
    favours: Patterns = ()
    places: tuple[Word, ...] = ()
    matters: tuple[Word, ...] = ()
    insults: Patterns = ()
    cases: tuple[Case, ...] = ()


class Advice(Declared):
    """What a model is told besides the brief's lines, in the scenario's own words.

    ``detail`` is said where a detail is given, ``no_detail`` to whoever breeds a line without
    one; ``hushed`` where the detail betrays a topic that must not be named. ``omit_hushed``
    keeps the clauses that betray it from the engineered prompt altogether.
    """

    detail: str = ""
    no_detail: str = ""
    hushed: str = ""
    omit_hushed: bool = False


class Scenario(Declared):
    """One scenario, whole. ``folder`` is where its files lie.

    ``example`` fills a form for show; ``examples`` are shown to the model by the engineered
    prompt: each a brief as people type it, and its ``text``. ``tact_model`` names the weights
    (:mod:`fencun.tact`) that find matters which no cue betrays; empty where there are none.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Word
    en: Word
    product: Word
    product_en: Word
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    tact: tuple[TactTopic, ...] = ()
    rules: Rules = Rules()
    advice: Advice = Advice()
    prompt: str = ""
    tact_model: str = ""
    example: dict[str, str] = {}
    examples: tuple[dict[str, str], ...] = ()
    folder: Path

    @model_validator(mode="after")
    def _consistent(self) -> "Scenario":
        for what in (
            [d.name for d in self.dimensions],
            [d.role for d in self.dimensions if d.role],
        ):
            if len(set(what)) != len(what):
                raise WrongError(
                    "两个维度用了同一个 name 或 role", "two dimensions have one name or one role"
                )
        for case in self.rules.cases:
            for name in case.when:
                self._known(name, case.wanted(name))
        return self

    def _known(self, name: str, values: tuple[str, ...]) -> None:
        """Raise where a rule asks for a dimension or a value that there is not."""
        dimension = next((d for d in self.dimensions if d.name == name), None)
        if dimension is None or not dimension.choices:
            raise WrongError(
                f"rules.cases：{name} 不是有选项的维度", f"rules.cases: {name} has no choices"
            )
        for value in values:
            if dimension.choice(value) is None:
                raise WrongError(
                    f"rules.cases：{name} 没有“{value}”这个选项",
                    f"rules.cases: {name} has no value {value}",
                )

    def dimension(self, name: str) -> Dimension:
        """Return the dimension called ``name``; KeyError if there is none."""
        return self._by_name[name]

    def role(self, role: Role) -> Dimension | None:
        """Return the dimension that plays ``role``, if this scenario has one."""
        return self._by_role.get(role)

    @cached_property
    def _by_role(self) -> dict[Role, Dimension]:
        return {dimension.role: dimension for dimension in self.dimensions if dimension.role}

    def topics_in(self, detail: str) -> tuple[TactTopic, ...]:
        """Return the sensitive topics that ``detail`` betrays, in the order declared."""
        return self._topics(told(detail))

    @cached_property
    def _topics(self) -> Callable[[str], tuple[TactTopic, ...]]:
        return lru_cache(maxsize=4096)(self._betrayed)

    def _betrayed(self, detail: str) -> tuple[TactTopic, ...]:
        found = self._cues.which(detail)
        likely = self._tact_model.topics_in(detail) if self._tact_model else frozenset()
        return tuple(
            topic
            for topic in self.tact
            if topic.holds(found, detail) or (topic.name in likely and topic.stands(detail))
        )

    @cached_property
    def _tact_model(self) -> TactModel | None:
        return load_model(self.folder / self.tact_model) if self.tact_model else None

    @cached_property
    def _cues(self) -> Finder:
        return Finder(cue for topic in self.tact for cue in topic.cues)

    @cached_property
    def _by_name(self) -> dict[str, Dimension]:
        return {dimension.name: dimension for dimension in self.dimensions}


def load_scenario(source: str | Path = "spring_festival") -> Scenario:
    """Load a shipped scenario by name, or any scenario by its folder or YAML file.

    Raises:
        ScenarioError: there is none, or its YAML does not declare a scenario; says where.
    """
    path = Path(source)
    if not path.exists() and path.name == str(source):
        path = scenarios_dir() / path
    if path.is_dir():
        path = path / "scenario.yaml"
    return _load(path.resolve())


@cache
def _load(path: Path) -> Scenario:
    text = _read(path)
    try:
        root = yaml.compose(text)
        declared: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _malformed(path, [of_syntax(error, text)]) from error
    if not isinstance(declared, dict):
        colon = "；冒号要用英文的 :" if "：" in text else ""
        raise ScenarioError(
            f"{path} 里没有声明场景{colon}。", f"{path} declares no scenario (a key: value a line)."
        )
    twice = list(of_keys(root))
    try:
        made = Scenario(**{**declared, "folder": path.parent})
    except ValidationError as error:
        raise _malformed(path, [*twice, *of_values(error, root, _keys())]) from error
    except TypeError as error:  # a key that is no text
        raise ScenarioError(f"{path}：{error}", f"{path}: {error}") from error
    if twice:
        raise _malformed(path, twice)
    return made


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ScenarioError(
            f"{path} 不是 UTF-8；请在编辑器里另存为 UTF-8。",
            f"{path} is not UTF-8; save it as UTF-8.",
        ) from error
    except OSError as error:
        raise ScenarioError(
            f"读不了场景文件 {path}。看看名字对不对；现有：{'、'.join(scenario_names())}。",
            f"Cannot read the scenario file {path}. Shipped: {', '.join(scenario_names())}.",
        ) from error


def _malformed(path: Path, mistakes: Iterable[Mistake]) -> ScenarioError:
    zh, en = listed(mistakes)
    return ScenarioError(f"{path} 要改这些地方：\n{zh}", f"{path} needs mending:\n{en}")


def _keys() -> set[str]:
    """Every key that a scenario may hold somewhere."""
    return {name for model in Declared.__subclasses__() for name in model.model_fields}


def scenario_names() -> list[str]:
    """Return the names of the shipped scenarios."""
    return sorted(path.parent.name for path in scenarios_dir().glob("*/scenario.yaml"))
