"""What the probes say of every arm, from frozen answers alone: shares, curves, and the box."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median

from fencun.brief import Brief
from fencun.data.lines import read_samples
from fencun.errors import FencunError
from fencun.evaluate import metrics
from fencun.evaluate.manifest import environment
from fencun.evaluate.probing import PROBES, ProbeAnswer, Size, declared
from fencun.evaluate.rates import Rate, wilson
from fencun.evaluate.records import Answer
from fencun.evaluate.study import Study
from fencun.evaluate.variants import VARIANTS, vary
from fencun.files import Json, sha256_file, sha256_json, write_json
from fencun.gates.registry import Gates, passes
from fencun.provenance import timestamp
from fencun.tune.runs.echo import Echo

SUMMARY = "probes.json"


@dataclass(frozen=True, slots=True)
class Measure:
    """One arm under all probes. Shares count answers; None where nothing was asked.

    ``hit`` passed every gate, on the frozen answers to all test briefs; ``faults`` counts
    what stopped the others. ``seeds`` and ``plain`` and ``drift`` are shares that pass:
    one brief drawn again and again, the drift briefs as they were, and in every other way;
    ``steady`` is ``seeds`` brief by brief.
    ``alike`` is the mean likeness of the draws of one brief (0 to 1). ``named`` counts
    answers that named what must not be said; ``echo`` those that repeat a training line.
    ``bleu`` and ``rouge`` compare with the reference lines; ``loss`` is in nats a token,
    of the arm's own draws under the model that wrote them, ``perplexity`` its exponential.
    """

    arm: str
    hit: Rate
    faults: dict[str, int]
    seeds: Rate
    steady: dict[str, Rate]
    alike: float | None
    plain: Rate
    drift: dict[str, Rate]
    named: Rate
    echo: Rate
    longest_run: int
    canary: Rate
    characters: float | None
    bleu: float | None
    rouge: float | None
    loss: float | None
    perplexity: float | None


class Examiner:
    """Looks at answers of one study through its scenario's gates and training texts."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.briefs = study.parsed_briefs()
        self.references = {sample.id: sample.text for sample in study.briefs()}
        self._gates = Gates(study.scenario)
        self._echo = Echo(_training(study), list(self.references.values()))

    def measure(
        self, arm: str, answers: Sequence[Answer], probed: Sequence[ProbeAnswer]
    ) -> Measure:
        """Return everything about one arm."""
        good = [answer for answer in answers if not answer.failed]
        passed = {answer.brief: self._sound(answer) for answer in good}
        asked = [a for a in probed if a.probe in VARIANTS]
        drawn = [answer for answer in probed if answer.probe == "seeds" and not answer.failed]
        touched = {answer.brief for answer in asked}
        hushed = [a for a in good if any(t.handling == "不提" for t in self.briefs[a.brief].topics)]
        loss = _mean(a.mean_logprob for a in drawn)
        texts = [a.text for a in good]
        compared = [(a.text, truth) for a in good if (truth := self.references[a.brief])]
        return Measure(
            arm=arm,
            hit=_share(passed.values(), len(answers)),
            faults=dict(self._faults(good).most_common()),
            seeds=_share([self._sound(a) for a in drawn], _count(probed, "seeds")),
            steady=self._steady(probed),
            alike=_mean(metrics.likeness(texts) for texts in _by_brief(drawn).values()),
            plain=_share([passed.get(brief, False) for brief in touched], len(touched)),
            drift={name: self._drift(name, asked) for name in VARIANTS if _count(asked, name)},
            named=_share([self._names(a) for a in hushed], len(hushed)),
            echo=_share([self._echo.repeats(text) for text in texts], len(texts)),
            longest_run=max((self._echo.longest_run(text) for text in texts), default=0),
            canary=_share(
                [_right(a) for a in probed if a.probe == "canary"], _count(probed, "canary")
            ),
            characters=median(map(len, texts)) if texts else None,
            bleu=metrics.bleu([text for text, _ in compared], [truth for _, truth in compared])
            if compared
            else None,
            rouge=_mean(metrics.rouge_l(text, truth) for text, truth in compared),
            loss=-loss if loss is not None else None,
            perplexity=math.exp(-loss) if loss is not None else None,
        )

    def _sound(self, answer: Answer, brief: Brief | None = None) -> bool:
        """Whether an answer ended by itself and passes the gates."""
        found = self._gates.check(answer.text, brief or self.briefs[answer.brief])
        return answer.finish != "length" and passes(found)

    def _steady(self, probed: Sequence[ProbeAnswer]) -> dict[str, Rate]:
        mine = [answer for answer in probed if answer.probe == "seeds"]
        return {
            brief: _share(
                [self._sound(a) for a in mine if a.brief == brief and not a.failed],
                sum(a.brief == brief for a in mine),
            )
            for brief in sorted({answer.brief for answer in mine})
        }

    def _drift(self, name: str, asked: Sequence[ProbeAnswer]) -> Rate:
        mine = [answer for answer in asked if answer.probe == name]
        held = [
            self._sound(a, vary(name, a.brief, self.briefs[a.brief])) for a in mine if not a.failed
        ]
        return _share(held, len(mine))

    def _faults(self, answers: Sequence[Answer]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for answer in answers:
            found = self._gates.check(answer.text, self.briefs[answer.brief])
            faults = {finding.gate for finding in found if finding.severity == "fault"}
            counts.update(faults | ({"ending"} if answer.finish == "length" else set()))
        return counts

    def _names(self, answer: Answer) -> bool:
        found = self._gates.check(answer.text, self.briefs[answer.brief])
        return any(f.gate == "tact" and f.severity == "fault" for f in found)


def _training(study: Study) -> list[str]:
    path = study.scenario.folder / "dataset" / "train.jsonl"
    return [s.text for s in read_samples(path, study.scenario)] if path.is_file() else []


def _right(answer: ProbeAnswer) -> bool:
    accept = declared().canary[int(answer.brief.removeprefix("canary-"))].accept
    return bool(re.search(accept, answer.text))


def _by_brief(answers: Iterable[ProbeAnswer]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for answer in answers:
        texts.setdefault(answer.brief, []).append(answer.text)
    return texts


def _count(answers: Sequence[ProbeAnswer], probe: str) -> int:
    return sum(answer.probe == probe for answer in answers)


def _share(held: Iterable[bool], total: int) -> Rate:
    return wilson(sum(held), total)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def summarise(study: Study, probed: Sequence[ProbeAnswer], size: Size) -> Json:
    """Measure every arm and freeze it beside the answers; return what was written."""
    examiner = Examiner(study)
    by_arm = study.by_arm()
    measures = [
        examiner.measure(arm, list(by_arm[arm].values()), [a for a in probed if a.arm == arm])
        for arm in study.arms
    ]
    summary: Json = {
        "study": study.name,
        "fingerprint": study.registration.fingerprint,
        "size": size,
        "made": timestamp(),
        "answers": len(probed),
        "files": {PROBES: sha256_file(study.folder / PROBES)},
        "arms": [asdict(measure) for measure in measures],
        "environment": environment(),
    }
    summary["hash"] = sha256_json(summary)
    write_json(study.folder / SUMMARY, summary)
    return summary


def read_summary(study: Study) -> Json | None:
    """Return the frozen numbers of the probes; None where nobody probed.

    Raises:
        FencunError: the answers they rest on were changed, or are another study's.
    """
    path = study.folder / SUMMARY
    if not path.is_file():
        return None
    answers = study.folder / PROBES
    try:
        summary: Json = json.loads(path.read_bytes())
        fits = summary["hash"] == sha256_json({k: summary[k] for k in summary if k != "hash"})
        fits = fits and summary["fingerprint"] == study.registration.fingerprint
        fits = fits and summary["files"] == {PROBES: sha256_file(answers)}
    except (OSError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise FencunError(
            f"{path} 和它的回答对不上；请重新运行 fencun eval probe {study.name}。",
            f"{path} does not fit its answers; run fencun eval probe {study.name} again.",
        )
    return summary


# Metric -> what it is called, and whether a high value is meant to be good.
METRICS: dict[str, tuple[str, str, bool]] = {
    "bleu": ("BLEU-4", "BLEU-4", True),
    "rouge": ("ROUGE-L", "ROUGE-L", True),
    "loss": ("损失（自己写的，奈特/词元）", "loss (own text, nats/token)", False),
    "perplexity": ("困惑度（自己写的）", "perplexity (own text)", False),
}


def rankings(summary: Json, people: Sequence[str]) -> list[Json]:
    """Return how every metric ranks the arms, and Kendall's tau with ``people`` (best first).

    ``people`` is empty where nobody has voted; ``tau`` is None then.
    """
    rows: list[Json] = []
    for name, (zh, en, high_is_good) in METRICS.items():
        values = {row["arm"]: row[name] for row in summary["arms"]}
        order = metrics.ranking(values, high_is_good=high_is_good)
        tau = metrics.agreement(order, people)
        rows.append(
            {"metric": name, "zh": zh, "en": en, "values": values, "order": order, "tau": tau}
        )
    return rows
