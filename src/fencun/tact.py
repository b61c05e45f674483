"""Whether a detail tells of a sensitive matter: how it is read, and a small classifier of it.

The classifier is a multinomial logistic regression over hashed character n-grams (Weinberger et
al., arXiv 0902.2206) of one clause or two neighbouring ones. Its weights are one JSON file of a
few hundred kilobytes; scoring needs nothing but Python, and a few milliseconds.
"""

import base64
import binascii
import json
import math
import re
import zlib
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from fencun.errors import ScenarioError

_TITLE = re.compile(r"《[^《》]*》")
_STOP = re.compile(r"[\s，。；！？：、,.!?;:…—~～]+")
_LONGEST = 4  # characters of an n-gram
_LEAVE = "(?:千万|可)?(?:别|不要|不许|不用|甭)再?"
# "别提钱": what the writer wants left unsaid. What only says how to write stands in no text.
_UNSAID = re.compile(
    rf"{_LEAVE}(?:提|说|讲|写)(?:到|他|她|我|你)?(?:的)?(?P<what>[\u4e00-\u9fff]{{1,4}}?)"
    r"(?:了|这事|的事|这个|(?:两个|俩|二)字)?(?=，|$)"
)
# "别太肉麻": said to whoever writes, not of the two.
_HOW = re.compile(
    rf"{_LEAVE}(?:太|提|说|讲|写|显得|显摆|像|邀功|煽情|肉麻|腻|土味|催|啰嗦|抱怨|点破|表白|拍马屁|阴阳怪气).*"
)


def cue_text(detail: str) -> str:
    """Return ``detail`` as cues read it: one ， for a stop or a space, titles in 《》 left out."""
    return _STOP.sub("，", _TITLE.sub("", detail)).strip("，")


def unsaid(detail: str) -> list[str]:
    """Return what the writer asks, in a detail that was :func:`cue_text`, to leave unsaid."""
    return [match["what"] for match in _UNSAID.finditer(detail)]


def is_instruction(clause: str) -> bool:
    """Whether a clause of a detail tells the writer how to write: 别太肉麻."""
    return _HOW.fullmatch(clause) is not None


def pieces(detail: str) -> list[str]:
    """Return the clauses of a detail that was :func:`cue_text`, each alone and with the next."""
    clauses = detail.split("，")
    return list(dict.fromkeys([*clauses, *map("，".join, pairwise(clauses))]))


def buckets(piece: str, count: int) -> set[int]:
    """Return where the n-grams of ``piece`` are hashed to, out of ``count`` buckets.

    Up to four characters, the edges among them, and pairs that skip one.
    """
    edged = f"，{piece}，"
    grams = {
        edged[at : at + length]
        for length in range(1, _LONGEST + 1)
        for at in range(len(edged) - length + 1)
    }
    grams.update(f"{left}_{right}" for left, right in zip(edged, edged[2:], strict=False))
    grams.discard("，")
    return {zlib.crc32(gram.encode()) % count for gram in grams}


@dataclass(frozen=True, slots=True)
class TactModel:
    """Trained weights. ``topics`` are the classes after the first, which is innocence.

    ``rows`` maps a bucket (of ``count``) to one weight a class, in units of ``unit``;
    ``bias`` has one number a class. A topic is found from the probability ``threshold`` on.
    """

    topics: tuple[str, ...]
    count: int
    unit: float
    bias: tuple[float, ...]
    threshold: float
    rows: dict[int, tuple[int, ...]]

    def topics_in(self, detail: str) -> frozenset[str]:
        """Return the topics that a detail, :func:`cue_text`, betrays in some clause or two."""
        return frozenset(filter(None, map(self._topic, pieces(detail))))

    def _topic(self, piece: str) -> str | None:
        chances = self.chances(piece)
        if 1 - chances[0] < self.threshold:
            return None
        return self.topics[max(range(len(self.topics)), key=lambda at: chances[at + 1])]

    def chances(self, piece: str) -> list[float]:
        """Return the probability of innocence and of each topic; they add up to one."""
        found = buckets(piece, self.count)
        weights = [self.rows[bucket] for bucket in found if bucket in self.rows]
        scale = self.unit / math.sqrt(max(1, len(found)))
        sums = [sum(column) for column in zip(*weights, strict=True)] or [0] * len(self.bias)
        scores = [bias + scale * each for bias, each in zip(self.bias, sums, strict=True)]
        powers = [math.exp(score - max(scores)) for score in scores]
        return [power / sum(powers) for power in powers]


@cache
def load_model(path: Path) -> TactModel:
    """Read the weights that ``scripts/tact.py`` wrote.

    Raises:
        ScenarioError: there is no such file, or it holds something else.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        width = len(kept["topics"]) + 1
        places, flat = (zlib.decompress(base64.b64decode(kept[key])) for key in ("places", "rows"))
        values = memoryview(flat).cast("b").tolist()
        at = memoryview(places).cast("H").tolist()
        rows = {
            bucket: tuple(values[start : start + width])
            for bucket, start in zip(at, range(0, len(values), width), strict=True)
        }
        bias = tuple(map(float, kept["bias"]))
        if len(bias) != width or any(len(row) != width for row in rows.values()):
            raise ValueError("widths differ")
        return TactModel(
            tuple(map(str, kept["topics"])), int(kept["buckets"]), float(kept["unit"]),
            bias, float(kept["threshold"]), rows,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, zlib.error, binascii.Error) as error:
        raise ScenarioError(
            f"读不了分寸的权重 {path}；用 scripts/tact.py 重新生成，或从 scenario.yaml 里去掉"
            " tact_model。",
            f"Cannot read the tact weights {path}; make them again with scripts/tact.py, or leave"
            " tact_model out of scenario.yaml.",
        ) from error
