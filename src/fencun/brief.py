"""One request: what a person asks for, understood, validated, and told as lines of a prompt.

People do not type enumerations. ``高中班主任`` is a 老师导师, ``幽默一点`` is 轻松幽默 and
``50字以内`` is a 短; their own words stay in the prompt beside the canonical value.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from fencun.errors import BriefError
from fencun.language import say
from fencun.lunar import LunarDay
from fencun.meaning import Meaning, shown, understand
from fencun.scenario import Choice, Dimension, LengthRange, Person, Scenario, TactTopic
from fencun.script import simplified
from fencun.tact import cue_text

# Kin and callings that Chinese honours with 您, and those it may.
_ELDERS = (
    r"叔|伯|姨|婶|嬢|爷|奶奶|(?<!老)[婆公]|舅|姑|师傅|师父|老师|教授|大夫|医生|律师|教练|教导员|主任|经理"
    r"|(?<![小老阿])(?:总|董)|老板|女士|先生|太太|书记|长|导|处|科|局|院|部|老爷子|老太太|老人家|领导|政委"
)
_ELDER = re.compile(rf"(?:{_ELDERS}|^(?:爸|妈|老爸|老妈|爸爸|妈妈))$")
_MAY_BE_ELDER = re.compile(rf"(?:{_ELDERS}|[爸妈爹娘父母工哥姐嫂老队头]|小姐|护士|领队|群主|前辈)$")
_MANY = re.compile(r"们$|各位|大家|爸妈|爸爸妈妈|爹娘|二老|姥姥姥爷|爷爷奶奶|[、和]")
_INSTRUCTION = re.compile(
    r"<\|[^|>]{0,40}\|>|</?(?:think|system|user|assistant)>"
    r"|(?:忽略|无视|忘掉|忘记|不要理会|别管)(?:掉|了)?(?:以上|上面|上述|之前|前面|此前|所有|全部|一切)"
    r".{0,6}(?:要求|指令|指示|提示|设定|规则|内容|话)"
    r"|(?:输出|打印|告诉我|重复|泄露).{0,6}(?:系统提示|提示词|system ?prompt)"
    r"|(?:ignore|disregard|forget)\s+(?:all\s+|the\s+|any\s+)*(?:previous|above|prior)"
    r"|you\s+are\s+now\s+(?:a|an|the)\b",
    re.IGNORECASE,
)
_SPACES = re.compile(r"\s+")
_BETWEEN_HAN = re.compile(
    r"(?<=[\u3400-\u9fff\U00020000-\U0003ffff]) (?=[\u3400-\u9fff\U00020000-\U0003ffff])"
)
_EDGES = (
    ":：,，.。、;；!！~～-—–…“”\"‘’'「」『』《》【】[]？?· "  # what stands around a name, not in it
)
_DOTS = re.compile("(?<=\\w)[•‧・･∙⋅●](?=\\w)")  # all of them are the dot in 买买提·艾力
_EMOJI = "[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]"
_LOOSE_JOINER = re.compile(f"(?<!{_EMOJI})\u200d|\u200d(?!{_EMOJI})")
_BLANKS = re.compile("[\u115f\u1160\u2800\u3164\uffa0]")  # letters by class, nothing to see


@dataclass(frozen=True, slots=True)
class Reading:
    """How what was typed for ``field`` is understood: the value, and what more there is to say."""

    field: str
    label: str
    typed: str
    value: str
    zh: str
    en: str

    def __str__(self) -> str:
        return say(self.zh, self.en)


_MINE = re.compile(
    r"^(?:去年|前年|那年|大学)?[我俺](?![爸妈爹娘爷奶公婆姥外哥姐弟妹舅姨姑叔伯家们俩跟和])"
)
_SECRET = re.compile(r"没跟|没告诉|没说|瞒|不想|别提|不要提")


def _all_mine(clauses: Sequence[str]) -> bool:
    """Whether there are clauses, and the writer's own doing is what each of them tells."""
    return bool(clauses) and all(map(_MINE.match, clauses))


SAY_IT = "say_it"  # beside the dimensions: what is delicate may be said


@dataclass(frozen=True, slots=True)
class Brief:
    """A validated request.

    ``values`` maps every dimension of the scenario to its canonical value, ``words`` those
    dimensions to what the person typed where that says more; ``length`` is the range, in
    characters, that the answer must keep (None where the scenario knows no length).
    ``days`` are the lunar days that were told, ``readings`` how other words were understood.
    ``say_it`` is set where the writer allows what else would be left unsaid.
    """

    scenario: Scenario
    values: Mapping[str, str]
    words: Mapping[str, str]
    length: LengthRange | None
    days: Mapping[str, LunarDay] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    say_it: bool = False

    def value(self, role: str) -> str:
        """Return the value of the dimension that plays ``role``; empty if there is none."""
        dimension = self.scenario.role(role)  # type: ignore[arg-type]
        return self.values[dimension.name] if dimension else ""

    @property
    def audience(self) -> Choice | None:
        """Who is addressed, and how."""
        dimension = self.scenario.role("audience")
        return dimension.choice(self.values[dimension.name]) if dimension else None

    @property
    def person(self) -> Person:
        """How the other must be addressed; "any" where that depends on the two of them."""
        return (
            _persons(self.audience.person, self.value("salutation"))[0] if self.audience else "any"
        )

    @property
    def likely_person(self) -> Person:
        """As :attr:`person`, and where that is open, what the salutation suggests."""
        return (
            _persons(self.audience.person, self.value("salutation"))[1] if self.audience else "any"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What the scenario adds to the values chosen, in the order of the dimensions."""
        told = (
            _note(d.choice(self.values[d.name]), self.days.get(d.name))
            for d in self.scenario.dimensions
        )
        return tuple(filter(None, told))

    @property
    def topics(self) -> tuple[TactTopic, ...]:
        """The sensitive topics that the detail betrays, unless they may be said."""
        return () if self.say_it else self.scenario.topics_in(simplified(self.value("detail")))

    @property
    def hushed(self) -> tuple[TactTopic, ...]:
        """Those of :attr:`topics` that the text must not name.

        Of a matter of their own that is no secret the writer may speak: 我考研没上.
        """
        hush = [topic for topic in self.topics if topic.handling == "不提"]
        if not hush:
            return ()
        detail = cue_text(simplified(self.value("detail")))
        telling = [(clause, self.scenario.topics_in(clause)) for clause in detail.split("，")]
        if _SECRET.search(detail):
            return tuple(hush)
        return tuple(t for t in hush if not _all_mine([c for c, told in telling if t in told]))

    def simplified(self) -> "Brief":
        """Return the brief as gates read it: traditional characters as simplified ones."""
        read = {name: simplified(value) for name, value in self.values.items()}
        if read == self.values:
            return self
        words = {name: simplified(value) for name, value in self.words.items()}
        return replace(self, values=read, words=words)

    def lines(self) -> str:
        """Return the request as the model reads it, one ``名称：内容`` a line.

        This is the whole user message of the bare and of the tuned arm, in training
        and in serving alike.
        """
        return "\n".join(f"{d.line or d.label}：{self._told(d)}" for d in self.scenario.dimensions)

    def _told(self, dimension: Dimension) -> str:
        value = self.values[dimension.name]
        words = self.words.get(dimension.name)
        if words:
            return f"{value}（{words}）"
        choice = dimension.choice(value)
        if dimension.kind == "length" and choice and choice.range:
            return f"{value}（{choice.range.min}到{choice.range.max}字）"
        return value or "无"


@lru_cache(maxsize=4096)
def _persons(declared: Person, salutation: str) -> tuple[Person, Person]:
    """How somebody so called must be, and is most likely, addressed."""
    salutation = simplified(salutation)
    may_be_elder = bool(_MAY_BE_ELDER.search(salutation))
    if declared != "any":
        person: Person = "any" if declared == "你" and may_be_elder else declared
        return person, person
    if _MANY.search(salutation):
        return "any", "你们"
    if _ELDER.search(salutation):
        return "any", "您"
    return "any", "any" if may_be_elder or salutation.startswith("老") else "你"


def _note(choice: Choice | None, day: LunarDay | None) -> str:
    """What a choice adds to the prompt; on another day than its first, that day."""
    if choice is None:
        return ""
    if day and choice.day_note and choice.first_day != day:
        return choice.day_note.format(day=day)
    return choice.note


def parse_brief(
    scenario: Scenario,
    raw: Mapping[str, object],
    *,
    strict: bool = False,
    today: date | None = None,
) -> Brief:
    """Understand ``raw`` (dimension name to what was typed) as a request of ``scenario``.

    With ``strict`` only canonical values are taken: for data files, where an alias is a slip.
    ``today`` says which year's calendar counts; None asks the clock. Beside the dimensions,
    ``say_it`` (anything but empty) allows what else would be left unsaid.

    Raises:
        BriefError: a field is unknown, missing, too long, unreadable, or not understood;
            names the field and the nearest values.
    """
    known = {dimension.name for dimension in scenario.dimensions}
    for name in raw:
        if name not in known and (strict or name != SAY_IT):
            raise BriefError(
                f"没有“{shown(name)}”这一项；可以填：{'、'.join(sorted(known))}。",
                f"There is no field {shown(name)!r}; known: {', '.join(sorted(known))}.",
                field=str(name)[:40],
            )
    values: dict[str, str] = {}
    words: dict[str, str] = {}
    days: dict[str, LunarDay] = {}
    readings: list[Reading] = []
    length: LengthRange | None = None
    for dimension in scenario.dimensions:
        typed = _clean(dimension, raw.get(dimension.name))
        if dimension.kind == "text":
            values[dimension.name] = typed
            continue
        meaning = _meaning(scenario, dimension, typed, strict=strict, today=today)
        values[dimension.name] = meaning.choice.value
        if typed and typed != meaning.choice.value:
            words[dimension.name] = typed
            readings.append(_reading(dimension, typed, meaning))
        if meaning.day:
            days[dimension.name] = meaning.day
        if dimension.kind == "length":
            length = meaning.length or meaning.choice.range
    return Brief(
        scenario,
        MappingProxyType(values),
        MappingProxyType(words),
        length,
        MappingProxyType(days),
        tuple(readings),
        bool(raw.get(SAY_IT)),
    )


def caution(scenario: Scenario, detail: str) -> str:
    """Say kindly which matters of ``detail`` will not be named, or only lightly; empty if none."""
    topics = scenario.topics_in(simplified(detail))
    hushed = [topic for topic in topics if topic.handling == "不提"]
    light = [topic for topic in topics if topic.handling != "不提"]
    zh = [f"有{'、'.join(topic.name for topic in hushed)}，不会点破"] if hushed else []
    zh += [f"有{'、'.join(topic.name for topic in light)}，只轻轻带过"] if light else []
    en = [f"{', '.join(topic.en for topic in hushed)}: it will not be named"] if hushed else []
    en += [f"{', '.join(topic.en for topic in light)}: only touched upon"] if light else []
    return say(f"细节里{'；'.join(zh)}。", f"The detail tells of {'; of '.join(en)}.") if zh else ""


def read_fields(scenario: Scenario, raw: Mapping[str, str]) -> dict[str, Reading | BriefError]:
    """Say how each field that is chosen from a list would be understood, one by one.

    What is empty, free text or unknown is left out: nothing is decided by it.
    """
    told: dict[str, Reading | BriefError] = {}
    for dimension in scenario.dimensions:
        if dimension.kind == "text" or not raw.get(dimension.name, "").strip():
            continue
        try:
            typed = _clean(dimension, raw[dimension.name])
            told[dimension.name] = _reading(dimension, typed, _meaning(scenario, dimension, typed))
        except BriefError as error:
            told[dimension.name] = error
    return told


def _meaning(
    scenario: Scenario,
    dimension: Dimension,
    typed: str,
    *,
    strict: bool = False,
    today: date | None = None,
) -> Meaning:
    """Return what ``typed`` means; of a length, what it is the length of may be named with it."""
    if dimension.kind == "length" and not strict:
        typed = typed.replace(scenario.product, "") or typed
    return understand(dimension, typed, strict=strict, today=today)


def _reading(dimension: Dimension, typed: str, meaning: Meaning) -> Reading:
    value, english = meaning.choice.value, meaning.choice.en
    zh, en = meaning.zh, meaning.en
    if meaning.day and not zh and meaning.choice.first_day != meaning.day:
        zh, en = str(meaning.day), f"on {meaning.day}"
    return Reading(
        dimension.name,
        say(dimension.label, dimension.en),
        typed,
        value,
        f"{value}（{zh}）" if zh else value,
        f"{english} ({en})" if en else english,
    )


def _clean(dimension: Dimension, typed: object) -> str:
    if typed is None:
        typed = ""
    if not isinstance(typed, str):
        raise BriefError(
            f"{dimension.label}要填文字。", f"{dimension.en} must be text.", field=dimension.name
        )
    if len(typed) > 20 * dimension.max_chars:
        raise _too_long(dimension, len(typed))
    text = _visible(typed)
    if dimension.role == "salutation":
        text = _DOTS.sub("·", _BETWEEN_HAN.sub("", text.strip(_EDGES)))
    if any(unicodedata.category(char) in ("Cc", "Co", "Cs") for char in text):
        raise BriefError(
            f"{dimension.label}里有看不见的控制字符，请删掉重填。",
            f"{dimension.en} holds invisible control characters; please remove them.",
            field=dimension.name,
        )
    if _INSTRUCTION.search(simplified(text)):
        raise BriefError(
            f"{dimension.label}里写的像是给模型的指令。这里只填两个人之间的事，请改一改。",
            f"{dimension.en} reads like an instruction to the model. Tell only what happened.",
            field=dimension.name,
        )
    if len(text) > dimension.max_chars:
        raise _too_long(dimension, len(text))
    if not text and dimension.required and dimension.default is None:
        raise BriefError(
            f"{dimension.label}还没有填。{dimension.hint}",
            f"{dimension.en} is missing. {dimension.hint_en}".strip(),
            field=dimension.name,
        )
    return text or dimension.default or ""


def _visible(text: str) -> str:
    """Strip what nobody sees and nobody misses; a joiner stays where it makes one emoji of two."""
    text = _LOOSE_JOINER.sub("", _BLANKS.sub("", unicodedata.normalize("NFC", text)))
    seen = (char for char in text if char == "\u200d" or unicodedata.category(char) != "Cf")
    return _SPACES.sub(" ", "".join(seen)).strip()


def _too_long(dimension: Dimension, count: int) -> BriefError:
    return BriefError(
        f"{dimension.label}最多 {dimension.max_chars} 字，现在有 {count} 字，请挑最要紧的说。",
        f"{dimension.en} takes at most {dimension.max_chars} characters; this has {count}.",
        field=dimension.name,
    )
