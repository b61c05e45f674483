"""Whether words alone, without the brief, tell the chosen text of a pair from the rejected one.

If they do, a model learns from the pairs which words to say and not what makes sense. A
logistic regression on which characters and character pairs stand in a text is trained on the
pairs of some briefs and asked about those of others.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize, sparse

from fencun.errors import FencunError, RecordError
from fencun.evaluate.readout import Share, share_of
from fencun.evaluate.table import Floats, Ints
from fencun.files import Json, sha256_json, whole_rows
from fencun.grams import words_only
from fencun.scenario import Scenario

LIMIT = 0.60
FOLDS = 5
_SEEN_AT_LEAST = 2
_RIDGE = 1.0
_WORDS = 10
_MIN_BRIEFS = 2 * FOLDS


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A pair as the classifier sees it; ``brief`` says which pairs belong to one brief."""

    brief: str
    chosen: str
    rejected: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Tells:
    """How often words alone are right about a brief never seen.

    ``pairs``: which of the two was chosen; ``texts``: whether one text, seen alone, was.
    ``kinds`` is ``pairs`` by what is wrong with the rejected one, where the pairs say so.
    ``chosen`` and ``rejected`` are the words that give each away, the strongest first.
    """

    pairs: Share
    texts: Share
    kinds: dict[str, Share]
    chosen: tuple[str, ...]
    rejected: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether words alone find the chosen one of two in no more than 60 % of the pairs."""
        return (self.pairs.share or 0.0) <= LIMIT


def read_labelled(paths: Iterable[Path], scenario: Scenario) -> list[LabelledPair]:
    """Return the pairs of files: flat rows, or what ``fencun data pairs`` writes.

    Raises:
        RecordError: a line is no pair; names the file and the line.
    """
    found = []
    for path in paths:
        for line, row in whole_rows(path):
            chosen, rejected = _text(row.get("chosen")), _text(row.get("rejected"))
            if not chosen or not rejected:
                raise RecordError(
                    f"{path} 第 {line} 行没有 chosen 和 rejected。",
                    f"{path} line {line} has no chosen and rejected.",
                    line=line,
                )
            found.append(
                LabelledPair(_brief(row, scenario), chosen, rejected, str(row.get("kind") or ""))
            )
    return found


def tells(pairs: Sequence[LabelledPair]) -> Tells:
    """Return how well words alone do on ``pairs``, cross-validated by brief.

    Raises:
        FencunError: the pairs are of too few briefs to say anything.
    """
    fold = _folds(pairs)
    features, words = _features(pairs)
    right, alone = np.zeros(len(pairs)), np.zeros((len(pairs), 2))
    count = len(pairs)
    for number in range(FOLDS):
        seen, asked = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        apart = features[seen] - features[count + seen]
        weight = _fit(sparse.vstack([apart, -apart]), _labels(len(seen)), bias=False)
        margin = (features[asked] - features[count + asked]) @ weight[:-1]
        right[asked] = np.where(margin == 0, 0.5, margin > 0)
        weight = _fit(sparse.vstack([features[seen], features[count + seen]]), _labels(len(seen)))
        for side, sign in ((0, 1.0), (1, -1.0)):
            said = sign * (features[side * count + asked] @ weight[:-1] + weight[-1])
            alone[asked, side] = np.where(said == 0, 0.5, said > 0)
    whole = features[:count] - features[count:]
    strongest = np.argsort(_fit(sparse.vstack([whole, -whole]), _labels(count), bias=False)[:-1])
    return Tells(
        share_of((p.brief, float(ok)) for p, ok in zip(pairs, right, strict=True)),
        share_of((p.brief, float(ok)) for p, two in zip(pairs, alone, strict=True) for ok in two),
        _by_kind(pairs, right),
        tuple(words[n] for n in strongest[::-1][:_WORDS]),
        tuple(words[n] for n in strongest[:_WORDS]),
    )


def _labels(count: int) -> Floats:
    return np.repeat([1.0, -1.0], count)


def _fit(
    features: sparse.csr_matrix,
    labels: Floats,
    *,
    bias: bool = True,
) -> Floats:
    """Return the weights of a ridge logistic regression, shape (features + 1,), bias last."""

    def loss(weight: Floats) -> tuple[float, Floats]:
        margin = labels * (features @ weight[:-1] + bias * weight[-1])
        pull = -labels / (1.0 + np.exp(np.clip(margin, -50, 50)))
        slope = np.append(features.T @ pull + _RIDGE * weight[:-1], bias * pull.sum())
        ridge = 0.5 * _RIDGE * float(weight[:-1] @ weight[:-1])
        return float(np.logaddexp(0.0, -margin).sum()) + ridge, slope

    start = np.zeros(features.shape[1] + 1)
    return optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x


def _folds(pairs: Sequence[LabelledPair]) -> Ints:
    """Return the fold of every pair, shape (pairs,); a brief is in one fold only."""
    briefs = sorted({pair.brief for pair in pairs}, key=lambda brief: zlib.crc32(brief.encode()))
    if len(briefs) < _MIN_BRIEFS:
        raise FencunError(
            f"只有 {len(briefs)} 条需求的偏好对，至少要 {_MIN_BRIEFS} 条才说得出什么。",
            f"The pairs are of {len(briefs)} briefs; it takes {_MIN_BRIEFS} to say anything.",
        )
    place = {brief: number % FOLDS for number, brief in enumerate(briefs)}
    return np.array([place[pair.brief] for pair in pairs], dtype=np.int64)


def _features(pairs: Sequence[LabelledPair]) -> tuple[sparse.csr_matrix, list[str]]:
    """Return (2 × pairs, words): 1 where a word stands in a text, all chosen first."""
    bags = [_bag(pair.chosen) for pair in pairs] + [_bag(pair.rejected) for pair in pairs]
    seen = Counter(word for bag in bags for word in bag)
    words = sorted(word for word, times in seen.items() if times >= _SEEN_AT_LEAST)
    place = {word: number for number, word in enumerate(words)}
    cells = [(row, place[word]) for row, bag in enumerate(bags) for word in bag if word in place]
    rows, columns = zip(*cells, strict=True) if cells else ((), ())
    shape = (len(bags), len(words))
    return sparse.csr_matrix((np.ones(len(cells)), (rows, columns)), shape=shape), words


def _bag(text: str) -> set[str]:
    plain = words_only(text)
    return {plain[at : at + chars] for chars in (1, 2) for at in range(len(plain) - chars + 1)}


def _by_kind(pairs: Sequence[LabelledPair], right: Floats) -> dict[str, Share]:
    found: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for pair, ok in zip(pairs, right, strict=True):
        if pair.kind:
            found[pair.kind].append((pair.brief, float(ok)))
    return {kind: share_of(found[kind]) for kind in sorted(found)}


def _brief(row: Json, scenario: Scenario) -> str:
    """Return what is the same for all pairs of one brief."""
    asked = row.get("prompt") or row.get("conversations") or row.get("brief")
    return sha256_json(asked or {d.name: row.get(d.name) for d in scenario.dimensions})


def _text(value: object) -> str:
    """Return a text that stands plainly, as a message, or as a list of one message."""
    if isinstance(value, list):
        value = value[-1] if value else ""
    if isinstance(value, dict):
        value = value.get("content") or value.get("value")
    return value if isinstance(value, str) else ""
