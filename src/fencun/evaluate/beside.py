"""What stands beside a verdict and decides nothing: style, where doubt comes from, machines.

Of people's votes it tells only what a look has opened; what machines read is told at any time,
in columns of its own and never as votes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from fencun.evaluate import readout
from fencun.evaluate.clusters import ClusteredShare
from fencun.evaluate.judging import by_judge, judgements
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.reading import Read, read_reads
from fencun.evaluate.screening import Screening, screened
from fencun.evaluate.split import Split, split
from fencun.evaluate.strengths import over_nothing
from fencun.evaluate.study import Study
from fencun.evaluate.style import Controlled, controlled
from fencun.evaluate.texts import hash_of
from fencun.evaluate.verdict import Verdict, finite
from fencun.files import Json

READS = "reads.jsonl"
DRAWS = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True)
class Beside:
    """All of it. ``controlled``, ``split``, ``draws`` and ``over_nothing`` are None or empty before
    the first look; ``screenings`` and ``reads`` where no machine (or person) read anything.

    ``draws`` maps texts a brief to the votes that the next study would be planned with, by the
    luck that was measured; ``reads`` is as :func:`fencun.evaluate.readout.report` tells it.
    """

    controlled: Controlled | None
    split: Split | None
    draws: Mapping[int, int]
    over_nothing: Mapping[str, ClusteredShare]
    screenings: tuple[Screening, ...]
    reads: Json | None


def beside(judged: Verdict) -> Beside:
    """Return what stands beside the verdict ``judged``.

    Raises:
        FencunError: a file of judgements or reads cannot be read; names it and the line.
    """
    study, facts = judged.study, judged.facts
    tuned, rivals = study.registration.roles.get("tuned"), facts.rivals()
    reads = study_reads(study)
    told = readout.report(reads, _lengths(study)) if reads else None
    opened = judged.table.first(facts.votes if judged.open else 0)
    pairs = [(tuned, rival) for rival in rivals] if tuned else []
    pairs = pairs or [(b, a) for a, b in combinations(study.arms, 2)]
    screenings = tuple(
        screened(opened, said, pairs, facts.confidence)
        for said in by_judge(judgements(study)).values()
    )
    if not judged.open or not tuned or not rivals:
        return Beside(None, None, {}, {}, screenings, told)
    found = split(judged.table, tuned)
    return Beside(
        controlled(judged.table, study.texts(), tuned, rivals, facts.confidence),
        found,
        next_plans(judged, found),
        dict(zip(study.arms, over_nothing(judged.table, facts.confidence), strict=True)),
        screenings,
        told,
    )


def plain(told: Beside) -> Json:
    """Return it as plain data: equal inputs, equal output."""
    return finite(asdict(told))  # type: ignore[no-any-return]


def next_plans(judged: Verdict, found: Split | None) -> dict[int, int]:
    """Return for some numbers of texts a brief the votes to plan for, by the luck measured."""
    luck = found.luck if found else None
    if luck is None:
        return {}
    study, measured = judged.study, judged.rules.with_luck(luck)
    briefs = len(study.briefs())
    return {draws: votes_planned(len(study.arms), briefs, measured, draws) for draws in DRAWS}


def study_reads(study: Study) -> list[Read]:
    """Return the reads in the folder of ``study``, of those of its answers that are as they were.

    Raises:
        RecordError: a line cannot be read; names the file and the line.
    """
    path = study.folder / READS
    if not path.is_file():
        return []
    briefs = study.parsed_briefs()
    texts = {(a.arm, hash_of(briefs[a.brief], a.text)) for a in study.answers() if not a.failed}
    return [read for read in read_reads([path]) if (read.arm, read.hash) in texts]


def _lengths(study: Study) -> Sequence[str]:
    length = study.scenario.role("length")
    return [choice.value for choice in length.choices] if length else ()
