"""The scenario, whole."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, model_validator

from fencun.labels import REASONS, Label
from fencun.mistakes import WrongError
from fencun.scenario.declared import Declared, Word, filled
from fencun.scenario.dimension import Dimension, Role
from fencun.scenario.rules import Rules
from fencun.scenario.tact import TactTopic
from fencun.tact import TactModel, cue_text, load_model
from fencun.words import Patterns as Finder

Key = TypeVar("Key", bound=str)
NAME = r"^[a-z][a-z0-9_]*$"


class Advice(Declared):
    """What a model is told besides the brief's lines, in the scenario's own words.

    ``detail`` is said where a detail is given, ``no_detail`` to whoever breeds a line without
    one; ``hushed`` where the detail betrays a topic that must not be named. ``omit_hushed``
    keeps the clauses that betray it from the engineered prompt altogether.
    """

    detail: str = Field(default="", description="有细节时多说一句|said where a detail is given")
    no_detail: str = Field(
        default="", description="没有细节时对写样本的模型说|said to a breeder where there is none"
    )
    hushed: str = Field(
        default="", description="有不提的事时多说一句|said where something must be left unsaid"
    )
    omit_hushed: bool = Field(
        default=False, description="不提的那半句不给模型看|keep the telling clause from the model"
    )


class ScenarioWords(Declared):
    """How the pages and the gates speak of this kind of text.

    ``forms`` are names that such a text gives itself, as a title or a label: 贺词. ``greets`` are
    words that may follow the name of who is called: 王老师过年. ``lead`` stands at the head of
    the writing page; ``cards`` says whether a text may be made into a card, ``reasons`` what
    is wrong with a text in the words of those who vote on it.
    """

    forms: tuple[Word, ...] = Field(
        default=(),
        description="这种话的名目，写成标题或标签就不是正文|names such a text gives itself, which "
        "are no part of it as a title or a label",
    )
    greets: tuple[Word, ...] = Field(
        default=(), description="称呼后面紧跟着也算打招呼的词|words that may follow the salutation"
    )
    lead: str = Field(default="", description="写作页开头的一句|the line atop the writing page")
    lead_en: str = Field(default="", description="同上，英文|the same in English")
    cards: bool = Field(default=False, description="能不能做贺卡|whether cards may be made")
    reasons: dict[str, Word | tuple[Word, Word]] = Field(
        default={},
        description="盲评和审阅里理由的说法，如 greasy: 油腻（英文写第二个）"
        "|what reasons are called where people vote and review, as in greasy: [油腻, greasy]",
    )

    @model_validator(mode="after")
    def _known_reasons(self) -> "ScenarioWords":
        if strange := self.reasons.keys() - REASONS.keys():
            told, known = "、".join(sorted(strange)), "、".join(REASONS)
            raise WrongError(
                f"words.reasons：没有 {told}；可用：{known}", f"words.reasons: no {told}; {known}"
            )
        return self

    def named(self, reasons: Mapping[Key, Label]) -> dict[Key, Label]:
        """Return ``reasons`` as this scenario calls them."""
        own = {
            key: (said, said) if isinstance(said, str) else said
            for key, said in self.reasons.items()
        }
        return {key: own.get(str(key), label) for key, label in reasons.items()}


class Scenario(Declared):
    """One scenario, whole. ``folder`` is where its files lie.

    ``example`` fills a form for show; ``examples`` are shown to the model by the engineered
    prompt: each a brief as people type it, and its ``text``. ``prompt`` is a file beside the
    YAML or the words themselves. ``tact_model`` names the weights (:mod:`fencun.tact`) that
    find matters which no cue betrays; empty where there are none.
    """

    name: Annotated[str, StringConstraints(pattern=NAME)] = Field(
        description="场景的名字，小写英文字母和下划线|its name in files and flags"
    )
    title: Word = Field(description="人看到的名字|what people read")
    en: Word = Field(description="英文名，不写就用 title|its English name (default: title)")
    product: Word = Field(
        description="写出来的是什么，不写就用 title|what is written (default: title)"
    )
    product_en: Word = Field(description="同上，英文|the same in English (default: en, product)")
    dimensions: tuple[Dimension, ...] = Field(
        min_length=1, description="一条需求要填的各项|the fields of a brief"
    )
    tact: tuple[TactTopic, ...] = Field(default=(), description="敏感的事|sensitive matters")
    rules: Rules = Field(default=Rules(), description="关卡拦什么|what the gates refuse")
    advice: Advice = Field(default=Advice(), description="多告诉模型的话|what a model is also told")
    words: ScenarioWords = Field(
        default=ScenarioWords(), description="怎么称呼这种话|how such a text is spoken of"
    )
    prompt: str = Field(
        default="",
        description="提示词：旁边的 .md 文件，或就写在这里|the prompt: a .md file, or the words",
    )
    tact_model: str = Field(
        default="", description="分寸分类器的权重|weights of the classifier of sensitive matters"
    )
    example: dict[str, str] = Field(
        default={}, description="页面上“填个例子”用的一条|a brief that fills the form for show"
    )
    examples: tuple[dict[str, str], ...] = Field(
        default=(),
        description="给模型看的范例：一条需求和 text|worked examples, each with its text",
    )
    folder: Path

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, declared: Any) -> Any:
        declared = filled(declared, "product_en", "en", "product", "title")
        return filled(filled(declared, "en", "title"), "product", "title")

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
        for number, case in enumerate(self.rules.cases):
            for name in case.when:
                self._known(number, name, case.wanted(name))
        return self

    def _known(self, case: int, name: str, values: tuple[str, ...]) -> None:
        """Raise where a rule asks for a dimension or a value that there is not."""
        where = ("rules", "cases", case, "when", name)
        dimension = next((d for d in self.dimensions if d.name == name), None)
        if dimension is None or not dimension.choices:
            raise WrongError(f"{name} 不是有选项的维度", f"{name} has no choices", *where)
        for value in values:
            if dimension.choice(value) is None:
                raise WrongError(
                    f"{name} 没有“{value}”这个选项", f"{name} has no value {value}", *where
                )

    @cached_property
    def whole_example(self) -> dict[str, str]:
        """The example with all that a brief cannot do without: what is shown and tried out."""
        needed = {
            dimension.name: dimension.choices[0].value if dimension.choices else dimension.label
            for dimension in self.dimensions
            if dimension.required and dimension.default is None
        }
        return {**needed, **self.example}

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
        return self._topics(cue_text(detail))

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
