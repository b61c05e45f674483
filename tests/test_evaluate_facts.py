"""Everything that a verdict may look at, counted once."""

from decide_case import ROLES, RULES

from fencun.evaluate.decide import decide
from fencun.evaluate.facts import Background, Facts


def test_an_old_lead_in_empty_facts_is_no_lead() -> None:
    facts = Facts(Background(ROLES), 0.95)
    assert facts.contest("tuned", "prompt") is None
    assert decide(facts, RULES).decision == "evidence"
