"""One request: what a person asks for, understood, validated, and told as lines of a prompt.

People do not type enumerations. ``高中班主任`` is a 老师导师, ``幽默一点`` is 轻松幽默 and
``50字以内`` is a 短; their own words stay in the prompt beside the canonical value.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from types import MappingProxyType

from fencun.errors import BriefError
from fencun.scenario import Choice, Dimension, LengthRange, Person, Scenario, TactTopic

_SPACES = re.compile(r"\s+")
_FILLER = re.compile(
    r"[\s，。、,.!！~～]|一点儿?|一些|有点儿?|比较|稍微|那种|(?:点儿?|些|的|吧|风格|风|口吻|语气)$"
)
_OURS = re.compile(r"^(?:我们?|俺|咱们?)的?(?=.)")
_NAME = re.compile(
    r"[小老阿大][\u4e00-\u9fff]{1,2}|[\u4e00-\u9fff]{1,2}(?:哥|姐|总|工|姨|叔|师傅|老师|大人)|大人"
)
_NEGATED = re.compile(r"(?:别|不要?|不用|少|勿)(?:太|那么|这么|再)?$")
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


@dataclass(frozen=True, slots=True)
class Brief:
    """A validated request.

    ``values`` maps every dimension of the scenario to its canonical value, ``words`` those
    dimensions to what the person typed where that says more; ``length`` is the range, in
    characters, that the answer must keep (None where the scenario knows no length).
    """

    scenario: Scenario
    values: Mapping[str, str]
    words: Mapping[str, str]
    length: LengthRange | None

    def value(self, role: str) -> str:
        """Return the value of the dimension that plays ``role``; empty if there is none."""
        dimension = self.scenario.role(role)  # type: ignore[arg-type]
        return self.values[dimension.name] if dimension else ""

    @property
    def audience(self) -> Choice | None:
        """Who is addressed, with register and licence to joke."""
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
        chosen = (d.choice(self.values[d.name]) for d in self.scenario.dimensions)
        return tuple(choice.note for choice in chosen if choice and choice.note)

    @property
    def topics(self) -> tuple[TactTopic, ...]:
        """The sensitive topics that the detail betrays."""
        return self.scenario.topics_in(self.value("detail"))

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
    may_be_elder = bool(_MAY_BE_ELDER.search(salutation))
    if declared != "any":
        person: Person = "any" if declared == "你" and may_be_elder else declared
        return person, person
    if _MANY.search(salutation):
        return "any", "你们"
    if _ELDER.search(salutation):
        return "any", "您"
    return "any", "any" if may_be_elder or salutation.startswith("老") else "你"


def parse_brief(scenario: Scenario, raw: Mapping[str, object], *, strict: bool = False) -> Brief:
    """Understand ``raw`` (dimension name to what was typed) as a request of ``scenario``.

    With ``strict`` only canonical values are taken: for data files, where an alias is a slip.

    Raises:
        BriefError: a field is unknown, missing, too long, unreadable, or not understood;
            names the field and the nearest values.
    """
    known = {dimension.name for dimension in scenario.dimensions}
    for name in raw:
        if name not in known:
            raise BriefError(
                f"没有“{_shown(name)}”这一项；可以填：{'、'.join(sorted(known))}。",
                f"There is no field {_shown(name)!r}; known: {', '.join(sorted(known))}.",
                field=str(name)[:40],
            )
    values: dict[str, str] = {}
    words: dict[str, str] = {}
    length: LengthRange | None = None
    for dimension in scenario.dimensions:
        typed = _clean(dimension, raw.get(dimension.name))
        if dimension.kind == "text":
            values[dimension.name] = typed
            continue
        choice, length_asked = _understand(dimension, typed, strict=strict)
        values[dimension.name] = choice.value
        if typed and typed != choice.value:
            words[dimension.name] = typed
        if dimension.kind == "length":
            length = length_asked or choice.range
    return Brief(scenario, MappingProxyType(values), MappingProxyType(words), length)


def _clean(dimension: Dimension, typed: object) -> str:
    if typed is None:
        typed = ""
    if not isinstance(typed, str):
        raise BriefError(
            f"{dimension.label}要填文字。", f"{dimension.en} must be text.", field=dimension.name
        )
    if len(typed) > 20 * dimension.max_chars:
        raise _too_long(dimension, len(typed))
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", typed)).strip()
    if any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") for char in text):
        raise BriefError(
            f"{dimension.label}里有看不见的控制字符，请删掉重填。",
            f"{dimension.en} holds invisible control characters; please remove them.",
            field=dimension.name,
        )
    if _INSTRUCTION.search(text):
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


def _too_long(dimension: Dimension, count: int) -> BriefError:
    return BriefError(
        f"{dimension.label}最多 {dimension.max_chars} 字，现在有 {count} 字，请挑最要紧的说。",
        f"{dimension.en} takes at most {dimension.max_chars} characters; this has {count}.",
        field=dimension.name,
    )


def _understand(
    dimension: Dimension, typed: str, *, strict: bool
) -> tuple[Choice, LengthRange | None]:
    """Return the choice meant by ``typed`` and, for a numeric length, the range asked for."""
    if exact := dimension.choice(typed):
        return exact, None
    if not strict:
        if dimension.kind == "length" and (asked := parse_length(typed)):
            return _nearest_length(dimension, _within_limits(dimension, typed, asked)), asked
        if meant := _by_alias(dimension, typed):
            return meant, None
    raise _not_understood(dimension, typed)


def _by_alias(dimension: Dimension, typed: str) -> Choice | None:
    """Exact alias first, then a mark, then the longest alias that stands where it may."""
    bare = _OURS.sub("", _FILLER.sub("", typed))
    for candidate in (typed, bare):
        if choice := dimension.names.get(candidate):
            return choice
    for choice in dimension.choices:
        if any(re.search(mark, bare) for mark in choice.marks):
            return choice
    known = [name for name in dimension.names if len(name) > 1]
    fitting = [name for name in known if _stands(dimension, bare, name)] or [
        name for name in known if bare.startswith(name) and _NAME.fullmatch(bare[len(name) :])
    ]
    return dimension.names[max(fitting, key=len)] if fitting else None


def _stands(dimension: Dimension, typed: str, name: str) -> bool:
    """Whether ``name`` tells the choice here: as head, not negated, not another's."""
    if dimension.match == "anywhere":
        at = typed.find(name)
        return at >= 0 and not _NEGATED.search(typed[:at])
    if not typed.endswith(name):
        return False
    owner = typed[: -len(name)]
    return not (dimension.names[name].mine and (owner.endswith("的") or owner in dimension.names))


def _not_understood(dimension: Dimension, typed: str) -> BriefError:
    near = _nearest(dimension, typed)
    return BriefError(
        f"{dimension.label}“{_shown(typed)}”没有看懂。最接近的是：{'、'.join(near)}。",
        f"{dimension.en} {_shown(typed)!r} is not understood. Nearest: {', '.join(near)}.",
        field=dimension.name,
    )


def _nearest(dimension: Dimension, typed: str, count: int = 3) -> list[str]:
    """Return the values whose own name or best alias looks most like ``typed``."""
    likeness: dict[str, float] = {}
    for name, choice in dimension.names.items():
        ratio = SequenceMatcher(None, name, typed[:60]).ratio()
        likeness[choice.value] = max(ratio, likeness.get(choice.value, 0.0))
    return sorted(likeness, key=lambda value: -likeness[value])[:count]


_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_NUMBER = r"(\d{1,4}|[零〇一二两三四五六七八九十百千]{1,7})"
_RANGE = re.compile(rf"{_NUMBER}\s*(?:字|个字)?\s*(?:-|—|–|~|～|到|至)\s*{_NUMBER}")
_SINGLE = re.compile(rf"{_NUMBER}\s*(?:来|多)?\s*(?:字|个字|$)")
_AT_MOST = re.compile(r"以内|以下|之内|不超过|不到|最多|别超过|少于|within|at most|under|max")
_AT_LEAST = re.compile(r"以上|至少|不少于|最少|起码|at least|over|min")


def parse_length(typed: str) -> LengthRange | None:
    """Read a length told in numbers (``50字以内``, ``八十字左右``, ``60-100``), in characters.

    ``以内`` allows from half of it, ``左右`` a fifth to either side, ``以上`` up to half more;
    None where no number is told.
    """
    if both := _RANGE.search(typed):
        low, high = sorted((read_number(both[1]), read_number(both[2])))
        return LengthRange(min=max(1, low), max=max(1, high))
    single = _SINGLE.search(typed)
    if not single or not (count := read_number(single[1])):
        return None
    if _AT_MOST.search(typed):
        return LengthRange(min=max(1, count // 2), max=count)
    if _AT_LEAST.search(typed):
        return LengthRange(min=count, max=count + count // 2)
    return LengthRange(min=max(1, count - count // 5), max=count + count // 5)


def read_number(text: str) -> int:
    """Read a whole number in Arabic or Chinese figures: ``80``, ``八十``, ``两百五``, ``三万``."""
    if text.isdecimal():
        return int(text)
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        else:
            section += (digit or 1) * _UNITS[char]
            digit = 0
    tail_of_hundreds = len(text) > 2 and text[-2] == "百" and text[-1] in _DIGITS
    return total + section + digit * (10 if tail_of_hundreds else 1)


def _within_limits(dimension: Dimension, typed: str, asked: LengthRange) -> LengthRange:
    limits = dimension.limits
    if limits and (asked.max < limits.min or asked.min > limits.max):
        raise BriefError(
            f"{dimension.label}“{_shown(typed)}”写不了：能写 {limits.min} 到 {limits.max} 字。",
            f"{dimension.en} {_shown(typed)!r} is out of range: {limits.min}-{limits.max}.",
            field=dimension.name,
        )
    return asked


def _nearest_length(dimension: Dimension, asked: LengthRange) -> Choice:
    middle = (asked.min + asked.max) / 2

    def distance(choice: Choice) -> float:
        assert choice.range is not None
        return max(choice.range.min - middle, middle - choice.range.max, 0.0)

    return min(dimension.choices, key=distance)


def _shown(typed: object) -> str:
    text = str(typed)
    return text if len(text) <= 24 else f"{text[:24]}…"
