"""What is left of a preference among texts of equal length, and of equal style.

People like more text. As AlpacaEval does (Dubois et al. 2024, "Length-Controlled AlpacaEval")
and Chatbot Arena's style control, what texts differ in stands in the model of a vote beside
the arms, and the share is told where they do not differ. Shown beside the raw share; the raw
one decides, for a shorter text can be the better answer. Where an arm writes as much more on
every brief, its length and who wrote it are one thing, and no share is told.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fencun.evaluate.clusters import logistic, student
from fencun.evaluate.strengths import Strengths, strengths
from fencun.evaluate.table import Floats, VoteTable

_PICTURE = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")
_STOP = re.compile("[。！？!?…\n]+")
LONGER = 1.5  # the length coefficient is told for a text half as long again
_APART = 10.0  # how far a variance may grow before two causes are one (Marquardt 1970)
_NOTHING = 1e-9  # of all that is known: arms have strengths only beside each other


@dataclass(frozen=True, slots=True)
class AtEqualStyle:
    """How often ``a`` is preferred to ``b`` where their texts are alike, with its interval.

    ``share`` is None where their texts never are: arm and style cannot be told apart.
    """

    a: str
    b: str
    share: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Controlled:
    """``length`` and ``style``: the contests at equal length, and at equal length and style.

    ``longer`` is how often, of two texts equally good otherwise, the one half as long again is
    preferred; None where all are of one length, or each arm of its own. ``characters`` is the
    mean length by arm.
    """

    length: tuple[AtEqualStyle, ...]
    style: tuple[AtEqualStyle, ...]
    longer: float | None
    characters: dict[str, float]


Texts = Sequence[Sequence[Sequence[str | None]]]  # arm, brief, draw


def controlled(
    table: VoteTable, texts: Texts, tuned: str, rivals: Sequence[str], confidence: float
) -> Controlled:
    """Return ``tuned`` against each of ``rivals``, texts being alike."""
    length, scale = _standard(_length(texts))
    marks, _ = _standard(np.concatenate([_length(texts), _marks(texts)], axis=-1))
    by_length, by_style = strengths(table, length), strengths(table, marks)
    longer, size = None, len(table.arms)
    if scale and _inflation(by_length, np.eye(size + 2)[size], alone=[size]) <= _APART:
        longer = logistic(float(by_length.control[0]) * math.log(LONGER) / scale[0])
    return Controlled(
        tuple(_alike(by_length, tuned, rival, confidence) for rival in rivals),
        tuple(_alike(by_style, tuned, rival, confidence) for rival in rivals),
        longer,
        dict(zip(table.arms, map(_characters, texts), strict=True)),
    )


def _alike(fitted: Strengths, a: str, b: str, confidence: float) -> AtEqualStyle:
    arms = len(fitted.arms)
    contrast = np.zeros(len(fitted.fitted.values))
    contrast[fitted.arms.index(a)], contrast[fitted.arms.index(b)] = 1.0, -1.0
    if _inflation(fitted, contrast, alone=range(arms)) > _APART:
        return AtEqualStyle(a, b, None, 0.0, 1.0)
    share, error = fitted.preferred(a, b)
    if math.isinf(error):
        return AtEqualStyle(a, b, share, 0.0, 1.0)
    odds, reach = math.log(share / (1 - share)), student(fitted.spread.freedom, confidence) * error
    return AtEqualStyle(a, b, share, logistic(odds - reach), logistic(odds + reach))


def _inflation(fitted: Strengths, contrast: Floats, alone: Sequence[int]) -> float:
    """Return how many times the votes it takes to know ``contrast`` with all else in the model.

    The variance inflation factor: what votes alone tell of it, no prior, over what they would if
    the parameters ``alone`` and the ties were all there is.
    """
    whole = fitted.fitted.information.sum(axis=0)
    kept = [*alone, len(whole) - 1]
    return _variance(whole, contrast) / _variance(whole[np.ix_(kept, kept)], contrast[kept])


def _variance(information: Floats, contrast: Floats) -> float:
    """Return the variance of ``contrast``; next to no end where nothing is known of it."""
    nothing = _NOTHING * float(np.trace(information)) * np.eye(len(information))
    return float(contrast @ np.linalg.solve(information + nothing, contrast))


def _length(texts: Texts) -> Floats:
    """The logarithm of how many characters each text has, (arms, briefs, draws, 1)."""
    return np.array(
        [[[[math.log(1 + len(t or ""))] for t in drawn] for drawn in arm] for arm in texts]
    )


def _marks(texts: Texts) -> Floats:
    """How each text is set: exclamation marks, pictures and sentences, (arms, briefs, draws, 3)."""
    return np.array([[[_counted(t or "") for t in drawn] for drawn in arm] for arm in texts])


def _counted(text: str) -> list[float]:
    loud = text.count("！") + text.count("!")
    return [float(loud), float(len(_PICTURE.findall(text))), float(len(_STOP.findall(text)))]


def _standard(traits: Floats) -> tuple[Floats, list[float]]:
    """Return traits in standard deviations, those in which nothing differs left out, and these."""
    flat = traits.reshape(-1, traits.shape[-1])
    scale = flat.std(axis=0)
    kept = scale > 1e-9
    scaled: Floats = (traits[..., kept] - flat.mean(axis=0)[kept]) / scale[kept]
    return scaled, scale[kept].tolist()


def _characters(arm: Sequence[Sequence[str | None]]) -> float:
    counts = [len(text) for drawn in arm for text in drawn if text]
    return float(np.mean(counts)) if counts else 0.0
