"""Votes made by hand, for tests of what is counted from them."""

from fencun.evaluate.records import Vote
from fencun.evaluate.strengths import Comparison, compare_all, strengths
from fencun.evaluate.table import VoteTable

H = "0" * 64


def vote(number: int, choice: str, **fields: object) -> Vote:
    defaults: dict[str, object] = {
        "id": f"v{number}",
        "rater": f"r{number % 4}",
        "brief": f"b{number % 10}",
        "left": "tuned",
        "right": "prompt",
        "left_hash": H,
        "right_hash": H,
        "choice": choice,
    }
    return Vote.model_validate(defaults | fields)


def compared(table: VoteTable, a: str, b: str) -> Comparison:
    (found,) = (c for c in compare_all(table, strengths(table), 0.95) if {c.a, c.b} == {a, b})
    return found
