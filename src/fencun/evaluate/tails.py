"""Phrases that a model has fallen in love with: far oftener in its drafts than in what it learnt.

A tail such as 好好歇歇 says that words were learnt, not sense. What the brief itself says is
no tail, however often it is asked for.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fencun.evaluate.rates import wilson
from fencun.files import whole_rows
from fencun.gates.text import clause_words
from fencun.scenario import Scenario

SHARE = 0.05
OFTENER = 3.0  # times as often as in the training texts
_CHARS = range(4, 10)
_AT_LEAST = 3  # a share of a handful says nothing
_SAME = 0.8  # a longer phrase stands for a shorter one that mostly occurs inside it


@dataclass(frozen=True, slots=True)
class Tail:
    """A phrase, the drafts that hold it, how many of them end with it, and its training share."""

    phrase: str
    count: int
    ending: int
    share: float
    training: float


def tails(drafts: Sequence[tuple[str, str]], training: Iterable[str]) -> list[Tail]:
    """Return the tails of ``drafts`` (text, lines of its brief), the most frequent first.

    A phrase of four characters or more is one when more than 5 % of the drafts hold it, three
    times as many as of the ``training`` texts, and that is no chance (95 %).
    """
    found: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for text, brief in drafts:
        own = {phrase for phrase in phrases(text) if phrase not in brief}
        found.update(own)
        last = (clause_words(text) or [""])[-1]
        ends.update(phrase for phrase in own if last.endswith(phrase))
    often = {
        phrase: count
        for phrase, count in found.items()
        if count >= _AT_LEAST and count > SHARE * len(drafts)
    }
    learnt, total = _count(often, training)
    told = []
    for phrase, count in often.items():
        usual = learnt[phrase] / total if total else 0.0
        low = wilson(count, len(drafts)).low or 0.0
        if count / len(drafts) > OFTENER * usual and low > usual:
            told.append(Tail(phrase, count, ends[phrase], count / len(drafts), usual))
    told.sort(key=lambda tail: (-tail.count, -len(tail.phrase), tail.phrase))
    return [tail for tail in told if not _inside_another(tail, told)]


def phrases(text: str) -> set[str]:
    """Return every run of 4 to 9 characters that no punctuation mark cuts."""
    return {
        clause[at : at + chars]
        for clause in clause_words(text)
        for chars in _CHARS
        for at in range(len(clause) - chars + 1)
    }


def training_texts(scenario: Scenario, paths: Sequence[Path] = ()) -> list[str]:
    """Return the texts of ``paths``; by default of all that the scenario trains on.

    Raises:
        RecordError: a line cannot be read.
    """
    folders = [scenario.folder / name / "train.jsonl" for name in ("dataset", "plain")]
    files = paths or [path for path in folders if path.is_file()]
    return [str(row.get("text", "")) for path in files for _, row in whole_rows(path)]


def _count(wanted: dict[str, int], texts: Iterable[str]) -> tuple[Counter[str], int]:
    counted: Counter[str] = Counter()
    total = 0
    for text in texts:
        total += 1
        counted.update(phrase for phrase in phrases(text) if phrase in wanted)
    return counted, total


def _inside_another(tail: Tail, others: Iterable[Tail]) -> bool:
    return any(
        tail.phrase != other.phrase
        and tail.phrase in other.phrase
        and other.count >= _SAME * tail.count
        for other in others
    )
