"""The written lines nearest to a brief, found offline in milliseconds.

Retrieve and edit (Guu et al., 2018, arXiv:1709.08878; Hashimoto et al., 2018,
arXiv:1812.01194): a small model adapts what is written better than it invents. The tuned model
is shown these lines, in training and in serving alike, the ``rag`` arm is, and a person is.

Likeness is the cosine of idf-weighted character uni- and bigrams of the detail (so that
帮我 and 我帮 differ), who does it for whom counted double, plus a bonus for every dimension of
equal value.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import add
from pathlib import Path

from fencun.brief import Brief
from fencun.data.lines import read_samples
from fencun.grams import common_pieces
from fencun.records import Sample
from fencun.scenario import Scenario

_WORDS = re.compile(r"[\w\u3400-\u9fff]+")
_ACTS = (
    "帮|给|教|借|送|陪|替|带|照顾|请|接|背|守|救|劝|让|留|塞|寄|介绍|收留|护|拉|扶|夸|骂|催|管|"
    "资助|指点|提醒|推荐|招|面试|辅导|惦记|等|找|叫|喊|问|看"
)
_TOWARDS = re.compile(rf"(?:{_ACTS})(?:过|了|着|给)?(我|俺|他|她|您|你)")
_BY = re.compile(rf"(我|俺|他|她)(?:[^，。；我他她]{{0,4}}?)(?:{_ACTS})")
# How much a dimension of equal value adds to the likeness of the details (0 to 1).
_BONUS = {"audience": 0.20, "length": 0.12, "style": 0.03}
_OTHER = 0.06  # any other choice: the occasion
_PIECE = 2  # characters of a fact that may be borrowed
_NEWS = 2  # how many such pieces in a row are no accident
_SAME_PERSON = 0.12  # other relation, but addressed alike
_WRITTEN = 4  # a piece in so many written texts is a way of speaking


@dataclass(frozen=True, slots=True)
class Example:
    """One written line: the brief it answers, as canonical values, and its text."""

    id: str
    family: str
    values: Mapping[str, str]
    text: str

    @property
    def told(self) -> str:
        """The brief in one line, for people."""
        return " · ".join(value for value in self.values.values() if value)


class Retriever:
    """Finds the examples nearest to a brief. Built once; safe to share."""

    def __init__(self, scenario: Scenario, examples: Sequence[Example]) -> None:
        """Index ``examples``, all of ``scenario``."""
        self._scenario = scenario
        self._examples = list(examples)
        detail = scenario.role("detail")
        self._detail = detail.name if detail else ""
        salutation = scenario.role("salutation")
        self._salutation = salutation.name if salutation else ""
        grams = [features(example.values.get(self._detail, "")) for example in self._examples]
        documents = Counter(gram for own in grams for gram in own)
        count = len(self._examples) + 1
        self._idf = {gram: math.log(count / seen) for gram, seen in documents.items()}
        self._rare = math.log(count)
        self._norms = [self._norm(own) for own in grams]
        self._postings: dict[str, list[int]] = defaultdict(list)
        for index, own in enumerate(grams):
            for gram in own:
                self._postings[gram].append(index)
        written = self._written()
        least = max(3, len(self._examples) // 200)
        self._common = frozenset(piece for piece, count in written.items() if count >= least)
        self._spoken = frozenset(piece for piece, count in written.items() if count >= _WRITTEN)
        self._bonus = {
            dimension.name: _BONUS.get(dimension.role or "", _OTHER)
            for dimension in scenario.dimensions
            if dimension.kind != "text"
        }
        self._having: dict[str, dict[str, list[int]]] = {name: {} for name in self._bonus}
        for name, having in self._having.items():
            for index, example in enumerate(self._examples):
                having.setdefault(example.values.get(name, ""), []).append(index)

    def __len__(self) -> int:
        return len(self._examples)

    def nearest(self, brief: Brief, count: int, *, without: Collection[str] = ()) -> list[Example]:
        """Return the ``count`` nearest examples, the nearest first, one of a family.

        Those of the families in ``without`` are left out: in training, the brief's own.
        """
        scores = self._scores(brief)
        found: list[Example] = []
        families = set(without)
        for index in sorted(range(len(scores)), key=scores.__getitem__, reverse=True):
            example = self._examples[index]
            if example.family not in families:
                families.add(example.family)
                found.append(example)
                if len(found) == count:
                    break
        return found

    def borrowed(self, text: str, brief: Brief, shown: Sequence[Example]) -> list[tuple[int, int]]:
        """Return start and end of the facts in ``text`` that are those of the ``shown`` lines.

        A turn of phrase may be borrowed, a fact may not: a piece of the shown line's detail, or
        its salutation, that neither the brief has nor many written texts do.
        """
        own = brief.lines()
        found = []
        for example in shown:
            told = (example.values.get(self._detail, ""), example.values.get(self._salutation, ""))
            for start, end in common_pieces(text, "\n".join(told), _PIECE):
                piece = text[start:end]
                if not _WORDS.fullmatch(piece):
                    continue
                news = [
                    piece[at : at + _PIECE]
                    for at in range(len(piece) - _PIECE + 1)
                    if piece[at : at + _PIECE] not in own
                    and piece[at : at + _PIECE] not in self._common
                ]
                if len(news) >= _NEWS:
                    found.append((start, end))
        return found

    def invented(self, text: str, brief: Brief) -> float:
        """Return the share, 0 to 1, of ``text`` that neither the brief nor written lines have.

        Counted in pairs of characters. Where a small model leaves both, it mostly makes no sense.
        """
        own = brief.lines()
        pieces = [
            run[at : at + _PIECE]
            for run in _WORDS.findall(text)
            for at in range(len(run) - _PIECE + 1)
        ]
        news = [piece for piece in pieces if piece not in self._spoken and piece not in own]
        return len(news) / max(1, len(pieces))

    def _written(self) -> Counter[str]:
        """Return in how many of the texts each pair of characters stands."""
        return Counter(
            piece
            for example in self._examples
            for piece in {example.text[at : at + _PIECE] for at in range(len(example.text) - 1)}
        )

    def _scores(self, brief: Brief) -> list[float]:
        asked = brief.values.get(self._detail, "")
        own = features(asked)
        norm = self._norm(own)
        scores = [0.0] * len(self._examples)
        for gram, weight in own.items():  # a gram weighs the same wherever it stands
            worth = weight * self._idf.get(gram, 0.0)
            likeness = worth * worth
            for index in self._postings.get(gram, ()):
                scores[index] += likeness
        if asked:
            scores = [score / (norm * n) for score, n in zip(scores, self._norms, strict=True)]
        else:
            scores = [0.0 if e.values.get(self._detail) else 1.0 for e in self._examples]
        return list(map(add, scores, self._alike(brief)))

    def _alike(self, brief: Brief) -> list[float]:
        """Return what each example counts for by its choices."""
        total = [0.0] * len(self._examples)
        for name, bonus in self._bonus.items():
            for index in self._having[name].get(brief.values[name], ()):
                total[index] += bonus
        audience = self._scenario.role("audience")
        if audience and brief.audience:
            for value, indices in self._having[audience.name].items():
                other = audience.choice(value)
                if (
                    other
                    and value != brief.values[audience.name]
                    and other.person == brief.audience.person
                ):
                    for index in indices:
                        total[index] += _SAME_PERSON
        return total

    def _norm(self, own: Mapping[str, float]) -> float:
        weights = (w * self._idf.get(gram, self._rare) for gram, w in own.items())
        return math.sqrt(sum(weight * weight for weight in weights)) or 1.0


@lru_cache(maxsize=8192)
def features(detail: str) -> Mapping[str, float]:
    """Return what a detail is compared by: character n-grams, and who acts towards whom."""
    found: dict[str, float] = {}
    for run in _WORDS.findall(detail):
        for char in run:
            found[char] = 0.5
        for start in range(len(run) - 1):
            found[run[start : start + 2]] = 1.0
    for who in _TOWARDS.findall(detail):
        found["→" + _party(who)] = 2.0
    for who in _BY.findall(detail):
        found[_party(who) + "→"] = 2.0
    return found


def _party(who: str) -> str:
    return "我" if who in "我俺" else "他"


def open_retriever(scenario: Scenario) -> Retriever | None:
    """Return a retriever over the lines that ``scenario`` ships; None where it ships none.

    Raises:
        RecordError: a line is no sample; FencunError: a file cannot be read.
    """
    samples = [sample for path in lines_of(scenario) for sample in read_samples(path, scenario)]
    return Retriever(scenario, of_samples(samples)) if samples else None


def lines_of(scenario: Scenario) -> list[Path]:
    """Return the files of written lines that ``scenario`` ships; empty where it ships none.

    The plain ones where there are some, for a small model can adapt those: what it learns from,
    and what it is only shown.
    """
    plain, dataset = scenario.folder / "plain", scenario.folder / "dataset"
    files = [plain / "train.jsonl", plain / "shown.jsonl"]
    return [path for path in files if path.is_file()] or [
        path for path in [dataset / "train.jsonl"] if path.is_file()
    ]


def of_samples(samples: Iterable[Sample]) -> list[Example]:
    """Return samples as examples."""
    return [Example(s.id, s.family, s.brief, s.text) for s in samples]
