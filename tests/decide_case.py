"""What tests of the decision share: the rules, a simulated study, and what its votes say."""

from fencun.evaluate.blocks import blocks
from fencun.evaluate.facts import Background
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.sequential import Conclusion, conclude
from fencun.evaluate.simulate import ARMS, World
from fencun.evaluate.table import VoteTable

ROLES = {arm: arm for arm in ARMS}


RULES = shipped_rules()


PLANNED = votes_planned(4, 78, RULES)


WORTH = World(truth=(-1.0, 0.0, 0.2, 1.8), raters=34)


def of(table: VoteTable, planned: int = PLANNED, **background: object) -> Conclusion:
    known = Background(**({"roles": ROLES} | background))  # type: ignore[arg-type]
    return conclude(table, known, RULES, planned)


def kinds(done: Conclusion) -> list[str]:
    return [block.kind for block in blocks(done, RULES)]
