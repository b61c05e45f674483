"""What reads say: how often an arm's text could be sent as it is, and how far readers agree.

Reads by people and by an AI are never put together. A share is told with an interval that
knows that several texts answer one brief: Wilson's, at the effective number of texts
(Dean & Pagano 2015, "Evaluating confidence interval methods for binomial proportions in
clustered surveys").
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import fmean
from typing import TypeVar

import numpy as np
from scipy import stats

from fencun.evaluate.agreement import Alpha, alpha_of
from fencun.evaluate.reading import AS_IS, Read
from fencun.evaluate.tails import Tail
from fencun.files import Json, sha256_json

SHOWN_AT_ONCE = 3  # how many texts the page shows for a brief
_LEVEL = 0.975

Some = TypeVar("Some")


@dataclass(frozen=True, slots=True)
class Share:
    """How large a part of ``total`` (texts or briefs, from ``briefs`` briefs), and its interval.

    All three are None where there was nothing to count.
    """

    total: int
    briefs: int
    share: float | None
    low: float | None
    high: float | None


def share_of(said: Iterable[tuple[str, float]]) -> Share:
    """Return the share of (brief, value from 0 to 1), texts of one brief taken as a cluster."""
    pairs = list(said)
    if not pairs:
        return Share(0, 0, None, None, None)
    values = np.array([value for _, value in pairs])
    _, cluster = np.unique([brief for brief, _ in pairs], return_inverse=True)
    total, briefs, share = len(values), int(cluster.max()) + 1, float(values.mean())
    if briefs < 2:
        return Share(total, briefs, share, 0.0, 1.0)
    off = np.bincount(cluster, values - share)
    variance = briefs / (briefs - 1) * float(off @ off) / total**2
    simple = share * (1 - share) / total
    effect = max(1.0, variance / simple) if simple > 0 else total / briefs
    wide = float(stats.t.ppf(_LEVEL, briefs - 1)) ** 2
    size = total / effect
    middle = (share + wide / (2 * size)) / (1 + wide / size)
    half = (wide * share * (1 - share) / size + wide**2 / (4 * size**2)) ** 0.5 / (1 + wide / size)
    return Share(total, briefs, share, max(0.0, middle - half), min(1.0, middle + half))


def report(reads: Sequence[Read], lengths: Sequence[str] = ()) -> Json:
    """Return everything that reads say, as JSON; ``lengths`` is the order of the lengths."""
    kinds = {kind: [read for read in reads if read.kind == kind] for kind in ("person", "ai")}
    return {
        "texts": len({read.hash for read in reads}),
        "votes": 0,  # a read is no vote, whoever read
        "readers": [
            _reader(mine) for mine in _groups(reads, lambda r: (r.reader, r.kind)).values()
        ],
        "agreement": _between(reads),
        "kinds": {kind: _kind(mine, lengths) for kind, mine in kinds.items() if mine},
    }


def _kind(reads: Sequence[Read], lengths: Sequence[str]) -> Json:
    first = [read for read in reads if not read.again]
    arms = _groups(first, lambda read: read.arm)
    order = [name for name in lengths if any(read.length == name for read in first)]
    order += sorted({read.length for read in first} - set(order))
    return {
        "readers": sorted({read.reader for read in reads}),
        "arms": {arm: _arm(mine, order) for arm, mine in arms.items()},
        "differences": [
            {"a": a, "b": b, "single": _difference(arms[a], arms[b]),
             "first": _difference(_at_first(arms[a]), _at_first(arms[b]))}
            for a, b in combinations(arms, 2)
        ],
    }  # fmt: skip


def _arm(reads: Sequence[Read], lengths: Sequence[str]) -> Json:
    by_length = _groups(reads, lambda read: read.length)
    sensitive = [read for read in reads if read.topic]
    faults = Counter(read.reason for read in reads if read.reason)
    return {
        **_shares(reads),
        "lengths": {name: _shares(by_length[name]) for name in lengths if name in by_length},
        "sensitive": _shares(sensitive),
        "verifier": _verifier(reads),
        "named": asdict(share_of(_values(sensitive, lambda read: read.reason == "named"))),
        "faults": {
            str(fault): {"count": count, "share": count / faults.total()}
            for fault, count in faults.most_common()
        },
    }


def _shares(reads: Sequence[Read]) -> Json:
    """Single texts, the one shown first, one of three, one of all: how many could be sent."""
    most = max((read.place for read in reads), default=0)
    shown = [read for read in reads if read.place <= SHOWN_AT_ONCE]
    return {
        "single": asdict(share_of(_values(reads, _sendable))),
        "mended": asdict(share_of(_values(reads, lambda read: read.grade > 0))),
        "first": asdict(share_of(_values(_at_first(reads), _sendable))),
        "one_of_three": asdict(share_of(_any(shown))) if most >= SHOWN_AT_ONCE else None,
        "one_of_all": (
            asdict(share_of(_any(reads))) | {"of": most} if most > SHOWN_AT_ONCE else None
        ),
    }


def _verifier(reads: Sequence[Read]) -> Json | None:
    """How often a text that could be sent stands above one that could not (the area under the ROC).

    None where the arm has no verifier, or its texts were all read alike.
    """
    told = [(read.sendable, _sendable(read)) for read in reads if read.sendable is not None]
    good, bad = ([value for value, fit in told if fit == kind] for kind in (True, False))
    if not good or not bad:
        return None
    wins = stats.mannwhitneyu(good, bad).statistic
    return {"auc": float(wins) / (len(good) * len(bad)), "fit": len(good), "unfit": len(bad)}


def _sendable(read: Read) -> bool:
    return read.grade == AS_IS


def _at_first(reads: Iterable[Read]) -> list[Read]:
    return [read for read in reads if read.place == 1]


def _values(reads: Iterable[Read], holds: Callable[[Read], bool]) -> list[tuple[str, float]]:
    """Return for every text shown its brief and the share of its readers for whom it holds."""
    texts = _groups(reads, lambda read: (_brief(read), read.hash, read.place))
    return [(key[0], fmean(map(holds, mine))) for key, mine in texts.items()]


def _any(reads: Iterable[Read]) -> list[tuple[str, float]]:
    """Return for every brief the share of its readers who would send one of these texts."""
    asked = _groups(reads, lambda read: (_brief(read), read.sheet, read.reader))
    found: defaultdict[str, list[float]] = defaultdict(list)
    for (brief, _, _), mine in asked.items():
        found[brief].append(float(any(map(_sendable, mine))))
    return [(brief, fmean(said)) for brief, said in found.items()]


def _difference(one: Sequence[Read], other: Sequence[Read]) -> Json | None:
    """Return by how much ``one`` is sendable oftener on the briefs that both answered."""
    mine, theirs = _by_brief(one), _by_brief(other)
    both = sorted(mine.keys() & theirs.keys())
    if len(both) < 2:
        return None
    off = np.array([mine[brief] - theirs[brief] for brief in both])
    half = float(stats.t.ppf(_LEVEL, len(off) - 1) * off.std(ddof=1) / len(off) ** 0.5)
    mean = float(off.mean())
    return {"briefs": len(both), "difference": mean, "low": mean - half, "high": mean + half}


def _by_brief(reads: Iterable[Read]) -> dict[str, float]:
    found = _groups(_values(reads, _sendable), lambda pair: pair[0])
    return {brief: fmean(value for _, value in said) for brief, said in found.items()}


def _brief(read: Read) -> str:
    return sha256_json(read.brief)


def _reader(reads: Sequence[Read]) -> Json:
    """Who read, how much, and how far the second reading of a text says what the first did."""
    once = _once(reads)
    first = {(r.sheet, r.hash): r for r in once if not r.again}
    pairs = [(first[r.sheet, r.hash], r) for r in once if r.again and (r.sheet, r.hash) in first]
    return {
        "reader": reads[0].reader,
        "kind": reads[0].kind,
        "texts": len({read.hash for read in reads}),
        "twice": _agreement([(n, m, r.grade) for n, pair in enumerate(pairs)
                             for m, r in enumerate(pair)]),
    }  # fmt: skip


def _between(reads: Sequence[Read]) -> Json | None:
    """How far several readers say the same of one text; None where there is only one reader."""
    first = [read for read in _once(reads) if not read.again]
    readers = {who: n for n, who in enumerate(sorted({(r.reader, r.kind) for r in first}))}
    if len(readers) < 2:
        return None
    return _agreement([(read.hash, readers[read.reader, read.kind], read.grade) for read in first])


def _agreement(said: Sequence[tuple[object, int, int]]) -> Json:
    """Return the agreement of (what was read, by whom, grade): raw, and Krippendorff's alpha."""
    units = _groups(said, lambda one: one[0])
    pairs = [
        (a[2], b[2]) for mine in units.values() for a, b in combinations(mine, 2) if a[1] != b[1]
    ]
    numbers = {unit: n for n, unit in enumerate(units)}
    unit = np.array([numbers[one[0]] for one in said], dtype=np.int64)
    who = np.array([one[1] for one in said], dtype=np.int64)
    grade = np.array([one[2] for one in said], dtype=np.int64)
    return {
        "pairs": len(pairs),
        "same_grade": fmean(a == b for a, b in pairs) if pairs else None,
        "same_send": fmean((a == AS_IS) == (b == AS_IS) for a, b in pairs) if pairs else None,
        "alpha_grade": _told(alpha_of(unit, who, grade, 3)),
        "alpha_send": _told(alpha_of(unit, who, (grade == AS_IS).astype(np.int64), 2)),
    }


def _told(alpha: Alpha) -> Json:
    found = asdict(alpha)
    return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in found.items()}


def _once(reads: Iterable[Read]) -> list[Read]:
    """Return one read of every line of a sheet: a text of two arms was read once."""
    return list(
        {(read.sheet, read.reader, read.kind, read.number): read for read in reads}.values()
    )


def drafts_by_arm(reads: Iterable[Read]) -> dict[str, list[tuple[str, str]]]:
    """Return arm -> (text, what its brief says), each text once."""
    arms = _groups(reads, lambda read: read.arm)
    return {
        arm: list({r.hash: (r.text, "\n".join(r.brief.values())) for r in mine}.values())
        for arm, mine in arms.items()
    }


def told_tails(found: dict[str, list[Tail]]) -> Json:
    """Return tails by arm as JSON."""
    return {arm: [asdict(tail) for tail in mine] for arm, mine in found.items()}


Key = TypeVar("Key")


def _groups(rows: Iterable[Some], key: Callable[[Some], Key]) -> dict[Key, list[Some]]:
    found: defaultdict[Key, list[Some]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)
