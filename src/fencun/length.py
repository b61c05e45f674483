"""How long a text should be, as people type it: read to the last character, or asked about.

``不少于80字``, ``几十字``, ``50－80字``, ``三五十字以内``: the words are cut into tokens, and every
token must be known. What is left over might turn the meaning round, so nothing is guessed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fencun.numerals import FIGURES, in_figures, is_one_number, read_number
from fencun.script import plain

_D = "[一二两三四五六七八九]"
_ABOUT = 5  # "about 80" is a fifth to either side
_SENTENCE = (14, 20)  # characters that a sentence takes, at least and at most
_ONE_SENTENCE = (10, 30)

_NOT = (
    "(?:不(?:要|能|得|可以?|许|准|宜|应该?|该|必|用|需要?|会)?|别|勿|请勿|切勿|莫|甭|无需|用不着)"
    "(?:再|太)?"
)
_LESS = "少于|小于|低于|短于|少过"
_MORE = "多于|大于|高于|长于|多过|超过|超出|超|过"
_ALSO = "(?:及|或|或者)?"
# What a token is, by the first expression that fits where it starts. "<" says that a word stands
# before its number, ">" after it; a token without a name says nothing about the length.
_TOKENS: tuple[tuple[str, str], ...] = (
    ("most<", rf"{_NOT}(?:{_MORE})|(?:小于|少于|低于)或?等于|less than or equal to"),
    ("most<", r"no (?:more|longer) than|not? (?:more than|over|exceed(?:ing)?)"),
    ("least<", rf"{_NOT}(?:{_LESS}|下于)|不下|(?:大于|多于|高于)或?等于"),
    ("least<", r"(?:greater|more) than or equal to|(?:no|not) (?:less|fewer) than"),
    ("most", "最多|至多|顶多|最长|最高|撑死|上限|at most|max(?:imum)?(?: of)?|up to"),
    ("least", "至少|最少|最短|最低|起码|下限|at least|min(?:imum)?(?: of)?"),
    ("most>", rf"{_ALSO}(?:以内|之内|以下|之下)|内(?!容)|封顶|为限|打住|到顶"),
    ("most>", "往下|或更少|or (?:less|fewer)"),
    ("least>", rf"{_ALSO}(?:以上|之上)|起步?|往上|打底|或更多|or more|\+|plus"),
    ("most<", r"<=|≤|≦|限制?在?|within"),
    ("least<", r">=|≥|≧|上(?=百)"),
    ("below", "不足|不到|不满|未满"),
    ("below<", rf"{_LESS}|<|under|below|(?:less|fewer|shorter) than"),
    ("above<", rf"不止|不只|{_MORE}|>|(?:more|longer) than|over|above"),
    ("above>", "开外"),
    ("give<", rf"(?:(?:左右|上下)?浮动|正负|±|\+/?-|上下)(?= ?[\d{FIGURES}])"),
    ("about<", "大约|大概|约莫?|差不多|将近|接近|近|大致|小(?=[一两二三]?百)"),
    ("about<", r"about|around|roughly|approx(?:imately|\.)?"),
    ("about>", "(?:左右|上下)(?:浮动)?|光景|许|or so"),
    ("barely>", "出头(?:一点儿?)?|多一?点儿?"),
    ("sentences", r"个?句子|句话?|sentences?"),
    ("unit", r"个?(?:汉字|中文字|字符|字(?!数))|(?:chinese )?(?:characters?|chars?)"),
    ("to", r"-|到|至|to|\.{2,}|or(?= \d+ sentences)"),
    ("and", "和|与|跟|and|,?(?:但|但是|而且|并且|且|同时|又|也)|but"),
    (
        "",
        rf"{_NOT}(?:长|短|啰嗦)|中等|适中|一[段条篇]|总字数|字数|内容|文字|话|篇幅|长度|总共|一共|全文|正文|整体",
    ),
    (
        "",
        "控制|介于|between|之间|区间|范围|请|希望|需要?|想要?|最好|尽量|必须|应该?|要求|要|得|给我|写",
    ),
    (
        "",
        "来(?=个)|就(?:行|好|可以|够)?|即可|可以|为宜|为好|足够|足矣|够了|行|好|吧|了|呢|的|在|共|是|有|都"
        "|个|麻烦|帮(?:我|忙)|拜托|多谢|谢谢您?|thanks|thank you",
    ),
    ("", "[含连]标点(?:符号)?(?:在内)?|(?:包括|包含|算上?)标点(?:符号)?(?:在内)?|越[长短多少]越好"),
    ("", "短小?(?:一点|点|些)?|简短(?:一点|点|些)?|长(?:一点|点|些)|[多少]写(?:一点|点|些)"),
    ("", "please|keep|write|it|in|length|long|from|of|the|is|be|should|an?"),
    ("", r'[\s,.;:!?、。()"“”【】\[\]《》「」]'),
)
_WORD = re.compile("|".join(f"(?P<t{at}>{words})" for at, (_, words) in enumerate(_TOKENS)))
_DIGITS = rf"(?:\d{{1,6}}|[{FIGURES}]{{1,8}})"
_NUMBER = re.compile(
    rf"(?P<half>半百)|(?P<some>好?[几数](?P<someof>[十百千]))"
    rf"|(?P<tens>{_D}?)十几|(?P<hundreds>{_D}?)百几十"
    rf"|(?<!{_D})百儿?八十(?P<idiom>)"
    rf"|(?P<base>{_D}百)(?P<b1>{_D})(?P<b2>{_D})十?|(?P<ten>{_D}?十)(?P<t1>{_D})(?P<t2>{_D})"
    rf"|(?P<p1>{_D})[、,]?(?P<p2>{_D})(?:(?P<of>[十百千])来?|(?P<ones>(?=个?[句字])))"
    rf"|(?P<number>{_DIGITS})(?P<tail>好几|大几|[多余来把几])?"
)
_TOLD = re.compile(rf"\d|[{FIGURES}几数][多来余把几]?个?(?:汉|中文)?[字句]|[十百千廿卅]")
_DASH_BY_ONE = re.compile(r"(?<=\d)一+(?=\d)")
_COMPARED = r"<=|>=|[<>≤≥≦≧]"
_MEASURED = re.compile(rf"(\d+) ?({_COMPARED}) ?(?=字数|长度|篇幅|length)")  # 50<字数<80
_MIRRORED = str.maketrans("<>≤≥≦≧", "><≥≤≧≦")
_LEFT_OPEN = re.compile(rf"[\d字] ?(?:{_COMPARED})")


class UnclearError(ValueError):
    """A number of characters is told, but not all that is said about it is understood."""


class LengthBounds(NamedTuple):
    """At least ``low`` and at most ``high`` characters; None where that side is open."""

    low: int | None
    high: int | None

    def closed(self, most: int | None = None) -> tuple[int, int]:
        """Return both ends: an open lower one is half the upper, an open upper half more.

        With ``most``, no more than so many characters are ever written.
        """
        high = self.high if self.high is not None else (self.low or 1) * 3 // 2
        if most is not None and (self.low or 0) <= most:
            high = min(high, most)
        low = self.low if self.low is not None else high // 2
        return max(1, low), max(1, low, high)


@dataclass(slots=True)
class _Term:
    """A number, or two of a range, and what is said of it."""

    low: int
    high: int
    sentences: bool = False
    bound: str = ""
    joined: bool = False

    def give(self, by: "_Term") -> None:
        """Widen it: 80字±10."""
        if self.bound not in ("", "about") or self.low != self.high or by.low != by.high:
            raise UnclearError(f"{self.low}±{by.low}")
        self.bound, self.low, self.high = "", self.low - by.low, self.high + by.low


def parse_length(typed: str) -> LengthBounds | None:
    """Read a length told in numbers, in characters; None where none is told.

    ``50字以内`` has an upper end, ``至少80字`` a lower, ``八十字左右`` is a fifth to either
    side, ``五六十字`` and ``50-80`` say both. Sentences count as 14 to 20 characters.

    Raises:
        UnclearError: a number is told, but with words that are not understood, or that contradict.
    """
    text = _DASH_BY_ONE.sub("-", in_figures(plain(typed)))
    if not _TOLD.search(text):
        return None
    text = _MEASURED.sub(lambda said: said[2].translate(_MIRRORED) + said[1], text)
    if _LEFT_OPEN.search(text):
        raise UnclearError(typed)
    terms = _terms(list(_tokens(text)))
    if len({term.sentences for term in terms}) == 2:  # "one sentence, at most 20 characters"
        terms = [term for term in terms if not term.sentences]
    if not terms or len(terms) > 2 or (len(terms) == 2 and not any(map(_is_end, terms))):
        raise UnclearError(typed)
    spans = [_span(term) for term in terms]
    low = max((span.low for span in spans if span.low is not None), default=None)
    high = min((span.high for span in spans if span.high is not None), default=None)
    if low is not None and high is not None and low > high:
        raise UnclearError(typed)
    return LengthBounds(low, high)


def _tokens(text: str) -> Iterator[tuple[str, _Term | None]]:
    """Cut ``text`` into tokens, numbers with what they say; raises where one is not known."""
    at = 0
    while at < len(text):
        if word := _WORD.match(text, at):
            kind = _TOKENS[int((word.lastgroup or "t0")[1:])][0]
            if kind:
                yield kind, None
            at = word.end()
        elif number := _NUMBER.match(text, at):
            yield "number", _Term(*_read(number))
            at = number.end()
        else:
            raise UnclearError(text[at:])


def _read(number: re.Match[str]) -> tuple[int, int]:
    """Return the lowest and highest that a number, or a vague one, may mean."""
    if number["half"]:
        return 50, 50
    if number["some"]:
        unit = read_number(number["someof"])
        return 2 * unit, 10 * unit - 1
    if number["idiom"] is not None:
        return 80, 100
    if number["p1"]:
        unit = read_number(number["of"]) if number["of"] else 1
        return _pair(unit * read_number(number["p1"]), unit * read_number(number["p2"]))
    for base, one, two, unit in (("base", "b1", "b2", 10), ("ten", "t1", "t2", 1)):
        if number[base]:
            start = read_number(number[base])
            low, high = (start + unit * read_number(number[end]) for end in (one, two))
            return _pair(low, high)
    if number["hundreds"] is not None:
        hundred = 100 * read_number(number["hundreds"] or "一")
        return hundred + 10, hundred + 99
    if number["tens"] is not None:
        ten = 10 * read_number(number["tens"] or "一")
        return ten + 1, ten + 9
    if not is_one_number(number["number"]):
        raise UnclearError(number["number"])
    return _exact(read_number(number["number"]), number["tail"])


def _pair(low: int, high: int) -> tuple[int, int]:
    if low >= high:
        raise UnclearError(f"{low}, {high}")
    return low, high


def _exact(count: int, tail: str | None) -> tuple[int, int]:
    if tail in ("来", "把"):
        return count - count // _ABOUT, count + count // _ABOUT
    if tail:
        place = next(unit for unit in (1000, 100, 10, 1) if count % unit == 0)
        return (count + 1, count + place - 1) if place > 1 else (count, count + count // _ABOUT)
    return count, count


def _terms(tokens: Sequence[tuple[str, _Term | None]]) -> list[_Term]:
    """Gather what belongs to each number: units, the other end of a range, bounds."""
    gathered = _Gathered([])
    for at, (kind, number) in enumerate(tokens):
        follows = next((other for other, _ in tokens[at + 1 :] if other != "and"), "")
        if number is not None:
            gathered.number(number)
        elif kind in ("to", "and"):
            gathered.join(kind, follows)
        elif kind in ("unit", "sentences"):
            gathered.unit(kind)
        else:
            gathered.bound(kind, follows)
    if gathered.before or gathered.joining:
        raise UnclearError(gathered.before)
    return gathered.terms


@dataclass(slots=True)
class _Gathered:
    """The terms so far, what was said before the number to come, and whether it ends a range."""

    terms: list[_Term]
    before: str = ""
    joining: bool = False

    def number(self, term: _Term) -> None:
        if self.before == "give" and self.terms:
            self.terms[-1].give(term)
        elif self.joining:
            last = self.terms[-1]
            if last.joined:  # 50-80-100
                raise UnclearError(f"{last.high}, {term.high}")
            last.low, last.high = _pair(last.low, max(term.high, last.low))
            last.joined = True
        else:
            term.bound = self.before
            self.terms.append(term)
        self.before, self.joining = "", False

    def join(self, kind: str, follows: str) -> None:
        open_ended = bool(self.terms) and not self.terms[-1].bound and not self.before
        self.joining = open_ended and follows == "number"
        if kind == "to" and not self.joining:
            raise UnclearError(kind)

    def unit(self, kind: str) -> None:
        if not self.terms:
            raise UnclearError(kind)
        self.terms[-1].sentences |= kind == "sentences"

    def bound(self, kind: str, follows: str) -> None:
        if kind.endswith("<") or (kind in ("most", "least", "below") and _leads(follows)):
            self.before = _bound(self.before, kind.rstrip("<"))
        elif self.terms and not self.before:
            last = self.terms[-1]
            last.bound = _bound(last.bound, kind.rstrip(">"))
        else:
            raise UnclearError(kind)


def _is_end(term: _Term) -> bool:
    return term.bound in ("most", "below", "least", "above")


def _leads(kind: str) -> bool:
    """Whether a word before ``kind`` belongs to a number that is still to come."""
    return kind == "number" or kind.endswith("<")


def _bound(one: str, other: str) -> str:
    """Return what two words about one number say together; "about" gives way to a bound."""
    for said, more in ((one, other), (other, one)):
        if said in ("", "about"):
            return more
    if one[0] != other[0] and {one, other} not in ({"most", "below"}, {"least", "above"}):
        raise UnclearError(f"{one}, {other}")
    return one


def _span(term: _Term) -> LengthBounds:
    low, high = (term.low, term.high) if not term.sentences else _of_sentences(term)
    if term.bound == "most":
        return LengthBounds(low if low < high else None, high)
    if term.bound == "below":
        return LengthBounds(low if low < high else None, high - 1)
    if term.bound == "least":
        return LengthBounds(low, None if low == high else high * 3 // 2)
    if term.bound == "above":
        return LengthBounds(low + 1, None if low == high else high * 3 // 2)
    if term.bound == "barely":
        return LengthBounds(low, high + high // _ABOUT)
    if low == high:
        return LengthBounds(low - low // _ABOUT, high + high // _ABOUT)
    return LengthBounds(low, high)


def _of_sentences(term: _Term) -> tuple[int, int]:
    """Return how many characters so many sentences take."""
    least, most = _SENTENCE
    if term.bound in ("most", "below"):
        return most * term.high, most * term.high
    if term.bound in ("least", "above"):
        return least * term.low, least * term.low
    if term.high == 1:
        return _ONE_SENTENCE
    return least * term.low, most * term.high
