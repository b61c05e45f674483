"""What a batch of lines is like: lengths, openings, endings, clichés, variety, tact, direction."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import repeat
from statistics import median

from fencun.data.gate_cache import GateCache
from fencun.data.likeness import nearest
from fencun.data.lines import Line
from fencun.data.ngrams import count_distinct
from fencun.data.refrain import FORMULA_CHARS, ending, opening
from fencun.files import Json
from fencun.gates import passes
from fencun.gates.cliche import ClicheGate
from fencun.gates.length import count_chars
from fencun.gates.text import unquoted
from fencun.grams import words_only
from fencun.scenario import Scenario

_TOP = 10
_NGRAMS = (1, 2, 3, 4)
_PRONOUNS = ("您", "你们", "大家", "你")


@dataclass(frozen=True, slots=True)
class Lengths:
    """Characters (white space aside) of the lines of one length; ``kept``: share in its range."""

    value: str
    lines: int
    least: int
    median: float
    most: int
    kept: float


@dataclass(frozen=True, slots=True)
class Handled:
    """Lines of one sensitive topic: how they deal with it, and how many name it (a doubt)."""

    topic: str
    lines: int
    unspoken: int
    light: int
    named: int


@dataclass(frozen=True, slots=True)
class Direction:
    """How much the lines for one audience go one way.

    ``pronouns`` counts the words by which the other is addressed; ``agree`` is the share of
    lines that use the commonest of them or none; ``passing`` the share without a fault of
    any gate, ``clean`` without even a doubt.
    """

    audience: str
    lines: int
    pronouns: dict[str, int]
    agree: float
    passing: float
    clean: float


@dataclass(frozen=True, slots=True)
class Stats:
    """Everything measured. Shares are from 0 to 1.

    ``distinct`` maps n to distinct n-grams of characters per n-gram (Li et al., 2016);
    ``likeness`` tells of the share of a line's 5-grams that its nearest other line has too.
    """

    lines: int
    lengths: list[Lengths]
    openings: list[tuple[str, float]]
    formulas: list[tuple[str, float]]
    endings: list[tuple[str, float]]
    cliches_per_thousand: float
    stiff_per_thousand: float
    distinct: dict[int, float]
    likeness: dict[str, float]
    tact: list[Handled]
    tact_share: float
    directions: list[Direction]

    def to_row(self) -> Json:
        """Return it as JSON."""
        return asdict(self)


def measure(scenario: Scenario, lines: Iterable[Line]) -> Stats:
    """Measure ``lines``, which have to be one batch: shares are shares of it.

    Each line is seen once and let go; what is kept are counts, and every text once.
    """
    tally = _Tally(scenario)
    for line in lines:
        tally.add(line)
    return tally.stats()


def distinct(texts: Iterable[str], n: int) -> float:
    """Return the distinct n-grams of characters per n-gram, punctuation aside, of all texts."""
    counted = texts if isinstance(texts, Counter) else Counter(texts)
    total = sum(max(0, len(words_only(text)) - n + 1) * count for text, count in counted.items())
    return _share(count_distinct(list(counted), n), total)


class _Tally:
    """Counts line by line what :class:`Stats` tells."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._judge, self._cliche = GateCache(scenario), ClicheGate(scenario)
        self._texts: Counter[str] = Counter()
        self._openings: Counter[str] = Counter()
        self._endings: Counter[str] = Counter()
        self._cliches: Counter[str] = Counter()
        self._chars: dict[str, Counter[int]] = defaultdict(Counter)
        self._handled: dict[str, Counter[str]] = defaultdict(Counter)
        self._directions: dict[str, Counter[str]] = defaultdict(Counter)
        self._said: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, line: Line) -> None:
        """Count one line more."""
        found = self._judge(line)
        self._texts[line.text] += 1
        self._openings[opening(line.text, line.salutation)] += 1
        self._endings[ending(line.text)] += 1
        self._cliches.update(f.severity for f in self._cliche.check(line.text, line.brief))
        self._chars[line.brief.value("length")][count_chars(line.text)] += 1
        if line.record.tact:
            named = any(finding.gate == "tact" for finding in found)
            counted = ("lines", line.record.tact.handling, *(("named",) if named else ()))
            self._handled[line.topic].update(counted)
        audience = line.brief.value("audience")
        self._said[audience][_pronoun(line.text)] += 1
        self._directions[audience].update(
            {"lines": 1, "passing": passes(found), "clean": not found}
        )

    def stats(self) -> Stats:
        """Return the figures."""
        lines = self._texts.total()
        formulas: Counter[str] = Counter()
        for key, count in self._openings.items():
            formulas[key[:FORMULA_CHARS]] += count
        tact = [self._topic(topic.name) for topic in self._scenario.tact]
        return Stats(
            lines=lines,
            lengths=self._lengths(),
            openings=_top(self._openings),
            formulas=_top(formulas),
            endings=_top(self._endings),
            cliches_per_thousand=_share(1000 * self._cliches["fault"], lines),
            stiff_per_thousand=_share(1000 * self._cliches["doubt"], lines),
            distinct={n: distinct(self._texts, n) for n in _NGRAMS},
            likeness=_likeness(self._texts),
            tact=tact,
            tact_share=_share(sum(row.lines for row in tact), lines),
            directions=self._audiences(),
        )

    def _lengths(self) -> list[Lengths]:
        dimension = self._scenario.role("length")
        rows = []
        for choice in dimension.choices if dimension else ():
            if of := sorted(self._chars[choice.value].elements()):
                assert choice.range is not None
                kept = sum(choice.range.min <= chars <= choice.range.max for chars in of)
                rows.append(
                    Lengths(choice.value, len(of), of[0], median(of), of[-1], kept / len(of))
                )
        return rows

    def _topic(self, name: str) -> Handled:
        of = self._handled[name]
        return Handled(name, of["lines"], of["不提"], of["轻提"], of["named"])

    def _audiences(self) -> list[Direction]:
        dimension = self._scenario.role("audience")
        rows = []
        for choice in dimension.choices if dimension else ():
            if lines := self._directions[choice.value]["lines"]:
                said, of = self._said[choice.value], self._directions[choice.value]
                silent = said.pop("", 0)
                agree = (max(said.values(), default=0) + silent) / lines
                shares = (of["passing"] / lines, of["clean"] / lines)
                pronouns = dict(said.most_common())
                rows.append(Direction(choice.value, lines, pronouns, agree, *shares))
        return rows


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0


def _top(counted: Counter[str]) -> list[tuple[str, float]]:
    del counted[""]
    total = counted.total()
    return [(key, count / total) for key, count in counted.most_common(_TOP)]


def _likeness(texts: Mapping[str, int]) -> dict[str, float]:
    """Return the likeness to the nearest other line; a text that is there twice is its own."""
    once = nearest(list(texts))
    counts = list(texts.values())
    shares = sorted(
        share
        for alone, count in zip(once, counts, strict=True)
        for share in repeat(alone if count == 1 else 1.0, count)
    )
    if not shares:
        return {"mean": 0.0, "p95": 0.0, "most": 0.0}
    p95 = shares[min(len(shares) - 1, int(0.95 * len(shares)))]
    return {"mean": sum(shares) / len(shares), "p95": p95, "most": shares[-1]}


def _pronoun(text: str) -> str:
    """Return by which word ``text`` addresses the other; empty where by none."""
    return next((word for word in _PRONOUNS if word in unquoted(text)), "")
