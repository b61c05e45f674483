"""What to do about a verdict: the numbers that decided it, where tuned loses, what to write."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from fencun.evaluate.advice import interview
from fencun.evaluate.records import Vote
from fencun.evaluate.rules import CHEAPER
from fencun.evaluate.verdict import RuleLine, Verdict, lines
from fencun.language import say
from fencun.records import Sample

WORST = 5


@dataclass(frozen=True, slots=True)
class Lost:
    """A brief on which the tuned arm loses: how often, of how many votes against cheaper arms."""

    brief: str
    lost: float
    votes: int
    to: str

    @property
    def share(self) -> float:
        """How much of it is lost, with one vote for and one against added."""
        return (self.lost + 1) / (self.votes + 2)


def deciding(judged: Verdict) -> list[RuleLine]:
    """Return the three rules that decided it, as people read them."""
    return lines(judged, judged.ruling.reasons)[:3]


def worst(judged: Verdict, count: int = WORST) -> list[Lost]:
    """Return the briefs on which the tuned arm loses worst to arms that cost less.

    Empty before the first look. Only briefs on which it loses more than it wins.
    """
    roles = judged.study.registration.roles
    tuned, rivals = roles.get("tuned"), {roles[role] for role in CHEAPER if role in roles}
    if not judged.open or not tuned:
        return []
    lost: dict[str, float] = defaultdict(float)
    votes: Counter[str] = Counter()
    to: dict[str, Counter[str]] = defaultdict(Counter)
    for vote in _read(judged):
        other = vote.right if vote.left == tuned else vote.left
        if tuned not in (vote.left, vote.right) or other not in rivals:
            continue
        one = _loss(vote, tuned)
        lost[vote.brief] += one
        votes[vote.brief] += 1
        to[vote.brief][other] += one == 1.0
    found = [
        Lost(brief, lost[brief], votes[brief], to[brief].most_common(1)[0][0]) for brief in votes
    ]
    losing = [one for one in found if 2 * one.lost > one.votes]
    return sorted(losing, key=lambda one: (-one.share, one.brief))[:count]


def _read(judged: Verdict) -> Sequence[Vote]:
    return [vote for vote in judged.votes if not vote.repeat_of][: judged.facts.votes]


def _loss(vote: Vote, tuned: str) -> float:
    if vote.choice in ("tie", "neither"):
        return 0.5
    return float((vote.left if vote.choice == "left" else vote.right) != tuned)


def to_write(judged: Verdict, samples: Sequence[Sample]) -> list[tuple[str, int]]:
    """Return the cells of the map (audience · occasion) to write for, and how many were lost."""
    dimensions = [d for d in judged.study.scenario.dimensions if d.kind == "choice"][:2]
    by_id = {sample.id: sample for sample in samples}
    cells: Counter[str] = Counter()
    for one in worst(judged, 4 * WORST):
        brief = by_id[one.brief].brief
        cells[" · ".join(str(brief[dimension.name]) for dimension in dimensions)] += 1
    return cells.most_common(WORST)


_STEPS: dict[str, tuple[tuple[str, str], ...]] = {
    "worth": (
        (
            "把微调的适配器设为默认，留着提示词组，换底座时再评一次。",
            "Make the adapter the default; keep the prompt arm for the next base model.",
        ),
    ),
    "bare": (
        (
            "底座只看需求就够，提示词和微调都先不用；换场景、换底座时再评。",
            "The brief alone will do; leave prompt and tuning until scenario or base change.",
        ),
    ),
    "mend": (
        (
            "提示词组还不如不写提示词：先改 prompt.md 和示例，胜过这样的提示词说明不了什么。",
            "The prompt arm loses to no prompt at all: mend prompt.md and its examples first; "
            "beating such a prompt shows nothing.",
        ),
        (
            "改好后换个名字重跑：fencun eval run --out 新名字{scene}",
            "Then run a new study: fencun eval run --out NAME{scene}",
        ),
    ),
    "none": (
        (
            "几组差不多，都不到一半能发：换大一点的底座，或照下面输得最多的几条补样本。",
            "The arms are alike and less than half can be sent: take a larger base, or write "
            "samples for the briefs lost most.",
        ),
    ),
}


def next_steps(judged: Verdict) -> list[str]:
    """What to do now: as the interview says where it knows the outcome."""
    decision, name = judged.ruling.decision, judged.study.name
    scene = judged.study.scenario_flag
    if decision in _STEPS:
        return [say(*step).format(scene=scene) for step in _STEPS[decision]]
    if decision != "evidence":
        found = (outcome for outcome in interview().outcomes if outcome.name == decision)
        return [str(step) for outcome in found for step in outcome.next]
    steps = [str(block) for block in judged.blocks]
    if any(block.by_people for block in judged.blocks):
        steps += [
            say(
                f"请人来投票：fencun eval ballot open {name}",
                f"Let people vote: fencun eval ballot open {name}",
            ),
            say(f"票齐了再看：fencun eval verdict {name}", f"Then: fencun eval verdict {name}"),
        ]
    elif any(block.kind in ("arms", "answers", "briefs", "looks") for block in judged.blocks):
        steps.append(
            say(
                f"换个名字重跑：fencun eval run --out 新名字{scene}",
                f"Run a new study: fencun eval run --out NAME{scene}",
            )
        )
    return steps
