"""What a batch of lines is like: lengths, openings, endings, clichés, variety, tact, direction."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from fencun.data.likeness import nearest
from fencun.data.lines import Line
from fencun.data.refrain import FORMULA_CHARS, ending, opening, words_only
from fencun.files import Json
from fencun.gates import Finding, Gates
from fencun.gates.cliche import ClicheGate
from fencun.gates.length import count_chars
from fencun.gates.text import unquoted
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


def measure(scenario: Scenario, lines: Sequence[Line]) -> Stats:
    """Measure ``lines``, which have to be one batch: shares are shares of it."""
    gates = Gates(scenario)
    found = [gates.check(line.text, line.brief) for line in lines]
    faults, doubts = _cliches(scenario, lines)
    openings = [opening(line.text, line.brief.value("salutation")) for line in lines]
    return Stats(
        lines=len(lines),
        lengths=_lengths(scenario, lines),
        openings=_top(openings),
        formulas=_top(key[:FORMULA_CHARS] for key in openings),
        endings=_top(ending(line.text) for line in lines),
        cliches_per_thousand=_share(1000 * faults, len(lines)),
        stiff_per_thousand=_share(1000 * doubts, len(lines)),
        distinct={n: distinct([line.text for line in lines], n) for n in _NGRAMS},
        likeness=_likeness([line.text for line in lines]),
        tact=_tact(scenario, lines, found),
        tact_share=_share(sum(bool(line.topic) for line in lines), len(lines)),
        directions=_directions(scenario, lines, found),
    )


def distinct(texts: Iterable[str], n: int) -> float:
    """Return the distinct n-grams of characters per n-gram, punctuation aside, of all texts."""
    seen: set[str] = set()
    total = 0
    for text in texts:
        plain = words_only(text)
        grams = [plain[at : at + n] for at in range(len(plain) - n + 1)]
        total += len(grams)
        seen.update(grams)
    return _share(len(seen), total)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0


def _top(keys: Iterable[str]) -> list[tuple[str, float]]:
    counted = Counter(key for key in keys if key)
    total = counted.total()
    return [(key, count / total) for key, count in counted.most_common(_TOP)]


def _lengths(scenario: Scenario, lines: Sequence[Line]) -> list[Lengths]:
    dimension = scenario.role("length")
    if dimension is None:
        return []
    counts: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        counts[line.brief.values[dimension.name]].append(count_chars(line.text))
    rows = []
    for choice in dimension.choices:
        if of := counts[choice.value]:
            assert choice.range is not None
            kept = sum(choice.range.min <= chars <= choice.range.max for chars in of)
            rows.append(
                Lengths(choice.value, len(of), min(of), median(of), max(of), kept / len(of))
            )
    return rows


def _cliches(scenario: Scenario, lines: Sequence[Line]) -> tuple[int, int]:
    gate = ClicheGate(scenario)
    found = [finding for line in lines for finding in gate.check(line.text, line.brief)]
    faults = sum(finding.severity == "fault" for finding in found)
    return faults, len(found) - faults


def _likeness(texts: Sequence[str]) -> dict[str, float]:
    shares = sorted(nearest(texts))
    if not shares:
        return {"mean": 0.0, "p95": 0.0, "most": 0.0}
    p95 = shares[min(len(shares) - 1, int(0.95 * len(shares)))]
    return {"mean": sum(shares) / len(shares), "p95": p95, "most": shares[-1]}


def _tact(
    scenario: Scenario, lines: Sequence[Line], found: Sequence[Sequence[Finding]]
) -> list[Handled]:
    rows = []
    for topic in scenario.tact:
        at = [place for place, line in enumerate(lines) if line.topic == topic.name]
        handlings = Counter(t.handling for p in at if (t := lines[p].record.tact))
        named = sum(any(finding.gate == "tact" for finding in found[place]) for place in at)
        rows.append(Handled(topic.name, len(at), handlings["不提"], handlings["轻提"], named))
    return rows


def _directions(
    scenario: Scenario, lines: Sequence[Line], found: Sequence[Sequence[Finding]]
) -> list[Direction]:
    dimension = scenario.role("audience")
    if dimension is None:
        return []
    places: dict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        places[line.brief.values[dimension.name]].append(place)
    rows = []
    for choice in dimension.choices:
        if at := places[choice.value]:
            said = Counter(_pronoun(lines[place].text) for place in at)
            silent = said.pop("", 0)
            most = max(said.values(), default=0)
            rows.append(
                Direction(
                    choice.value,
                    len(at),
                    dict(said.most_common()),
                    (most + silent) / len(at),
                    _share(sum(all(f.severity != "fault" for f in found[p]) for p in at), len(at)),
                    _share(sum(not found[place] for place in at), len(at)),
                )
            )
    return rows


def _pronoun(text: str) -> str:
    """Return by which word ``text`` addresses the other; empty where by none."""
    return next((word for word in _PRONOUNS if word in unquoted(text)), "")
