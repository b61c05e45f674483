"""One field of a brief, and the values that it may have."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from fencun.lunar import LunarDay
from fencun.mistakes import WrongError
from fencun.scenario.declared import Declared, LengthRange, Patterns, Word, filled
from fencun.script import plain

Kind = Literal["text", "choice", "length"]
Role = Literal["salutation", "audience", "detail", "style", "length"]
Person = Literal["您", "你", "你们", "any"]
EVE = "eve"  # the last day of the twelfth month, the 29th or the 30th
_DAYS = re.compile(r"(1[0-2]|[1-9])-([12]\d|30|[1-9])(?:\.\.(1[0-2]|[1-9])-([12]\d|30|[1-9]))?")
_RANGE = re.compile(r"(\d{1,5})\s*(?:-|\.\.|到|至|~)\s*(\d{1,5})")


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


class Choice(Declared):
    """One allowed value of a dimension, what people call it, and what it implies.

    ``marks`` are regular expressions that give this choice away wherever they stand in what
    a person typed. ``mine`` says that it is somebody of the writer's own: "客户的女儿" is no 女儿.
    ``person`` is how this audience is addressed; ``range`` is given for lengths only; ``note``
    goes into the engineered prompt.
    ``loose`` are names that anything near may have, and that yield to all others.
    ``days`` are the lunar days it is for: ``12-23``, ``1-4..1-6``, ``eve``; ``any_day`` says that
    it may be meant on others too, ``day_note`` is told instead of ``note`` on all but the first
    of them, with the day for ``{day}``. ``spoken`` says that the value is what people say anyway
    (我们的错), and so no leak where it stands in a text.
    """

    value: Word = Field(description="选项本身|the value itself")
    en: Word = Field(description="英文名，不写就用 value|its English name (default: value)")
    aliases: tuple[Word, ...] = Field(
        default=(), description="人们的其他叫法|what else people call it"
    )
    marks: Patterns = Field(
        default=(), description="正则：填的话里有它就是这个|regular expressions that give it away"
    )
    mine: bool = Field(
        default=False, description="是写的人自己的：客户的女儿不算女儿|somebody of the writer's own"
    )
    person: Person = Field(
        default="any", description="称您、你还是你们|how this audience is addressed"
    )
    range: LengthRange | None = Field(
        default=None, description="几到几个字，只用于篇幅|how many characters, for lengths only"
    )
    note: str = Field(default="", description="选了它就多告诉模型一句|told to the model with it")
    loose: tuple[Word, ...] = Field(
        default=(), description="含糊的叫法，让着别的选项|vague names, which yield to others"
    )
    days: tuple[Days, ...] = Field(
        default=(), description="是哪几天，农历：12-23、1-4..1-6、eve|its lunar days"
    )
    any_day: bool = Field(default=False, description="别的日子也可能|may be meant on other days")
    day_note: str = Field(
        default="", description="不是头一天时代替 note，{day} 是日子|told instead on later days"
    )
    spoken: bool = Field(
        default=False, description="是平常话，正文里出现不算夹带|ordinary words, and so no leak"
    )

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, declared: Any) -> Any:
        """Take a mere word for its value."""
        declared = {"value": declared} if isinstance(declared, str) else declared
        return filled(declared, "en", "value")

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

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$")] = Field(
        description="程序里的名字，小写英文字母和下划线|its name in files and flags"
    )
    label: Word = Field(description="人看到的名字|what people read")
    en: Word = Field(description="英文名，不写就用 label|its English name (default: label)")
    kind: Kind = Field(
        description="text、choice 或 length；不写就从 choices 看|text, choice or length "
        "(default: told by role and choices)"
    )
    role: Role | None = Field(
        default=None,
        description="它是什么：salutation 称呼、audience 对方、detail 细节、style 口气、length 篇幅"
        "|what it is: who is called, who they are, what happened, the tone, how long",
    )
    line: Word | None = Field(
        default=None, description="提示词里的名字，不写就用 label|its name in the prompt"
    )
    required: bool = Field(default=True, description="是不是非填不可|whether it must be given")
    max_chars: int = Field(default=40, ge=1, le=2000, description="最多几个字|the most characters")
    hint: str = Field(default="", description="输入框下的提示|the hint below the field")
    hint_en: str = Field(default="", description="提示的英文|the hint in English")
    default: str | None = Field(default=None, description="不填就是它|what it is when left empty")
    match: Literal["ending", "anywhere"] = Field(
        default="anywhere",
        description="别名要在末尾还是哪里都行|whether an alias must stand at the end",
    )
    choices: tuple[Choice, ...] = Field(
        default=(), description="能选的值：列表，或 值: 别名、值: 20-60|the values"
    )
    limits: LengthRange | None = Field(
        default=None, description="自己写字数时的上下限|limits of a length told in characters"
    )

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, declared: Any) -> Any:
        """Take choices as ``value: aliases`` or ``value: 20-60``, and tell the kind by them."""
        if not isinstance(declared, Mapping):
            return declared
        declared = dict(filled(declared, "en", "label"))
        if declared.get("choices", True) in ({}, [], None):
            raise WrongError(
                "choices 是空的；写上选项，要让人随便填就去掉这一行",
                "choices is empty: name some, or leave it out for free text",
                "choices",
            )
        if isinstance(choices := declared.get("choices"), Mapping):
            declared["choices"] = [_choice(value, told) for value, told in choices.items()]
        if declared.get("role") == "length":
            declared.setdefault("kind", "length")
        declared.setdefault("kind", "choice" if declared.get("choices") else "text")
        return declared

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
        if self.choices and self.default is not None and self.choice(self.default) is None:
            raise WrongError(
                f"{self.name} 的 default“{self.default}”不在 choices 里",
                f"{self.name}: its default {self.default} is none of its choices",
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
    def english(self) -> dict[str, Choice]:
        """Every value by its English name, as :func:`fencun.script.plain` reads it."""
        return {plain(choice.en): choice for choice in self.choices}

    @cached_property
    def has_days(self) -> bool:
        """Whether lunar days are among what can be chosen."""
        return any(choice.days for choice in self.choices)


def _choice(value: Any, told: Any) -> Any:
    """Return the choice that ``value: told`` says in short."""
    if isinstance(told, Mapping):
        return {"value": value, **told}
    if isinstance(told, str) and (match := _RANGE.fullmatch(told.strip())):
        return {"value": value, "range": {"min": int(match[1]), "max": int(match[2])}}
    if isinstance(told, str):
        told = [told]
    return {"value": value, "aliases": told or ()}
