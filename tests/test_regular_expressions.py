"""No regular expression takes long on any text: each is linear, the spite is made from itself.

``FENCUN_SPITES=12`` tries each with so many texts of 100,000 characters, as ``make soak`` does.
"""

import os
import re

from patterns import Expression, in_a_scenario, in_the_code, spites

from fencun import words
from fencun.scenario import Scenario

SPITES = int(os.environ.get("FENCUN_SPITES", "0"))
LONG, MIDDLING, SHORT = 100_000, 20_000, 2_000
# Microseconds a character: what is quadratic takes a hundred times as long, and more.
SLOWEST_US = 40.0
# Of these the code itself takes no more than so many characters.
BOUNDED = {"words.py": words.LONGEST}


def too_slow(expression: Expression, size: int, most: int) -> str:
    """Return on which text of ``size`` characters, or fewer, it takes long; empty: on none."""
    size = min(size, BOUNDED.get(expression.where.partition(":")[0], size))
    for length in dict.fromkeys((min(size, 1_000), min(size, 10_000), size)):
        for text in spites(expression.pattern, length, most):
            if expression.seconds(text) > SLOWEST_US * length / 1e6 + 0.02:
                return f"{expression.where} on {text[:12]!r}…"
    return ""


def test_every_expression_of_the_code_is_linear() -> None:
    found = in_the_code()
    assert len(found) > 100
    size = LONG if SPITES else MIDDLING
    slow = filter(None, (too_slow(each, size, SPITES or 3) for each in found))
    assert list(slow) == []


def test_every_expression_of_the_scenario_is_linear(scenario: Scenario) -> None:
    found = in_a_scenario(scenario)
    assert len(found) > 1000
    size = LONG if SPITES else SHORT
    slow = filter(None, (too_slow(each, size, SPITES or 3) for each in found))
    assert list(slow) == []


def test_an_expression_that_is_not_linear_would_be_found() -> None:
    quadratic = Expression("here", re.compile(r"(年|月)*日"), once=False)
    assert too_slow(quadratic, MIDDLING, 60)


def test_of_an_endless_expression_nothing_is_known() -> None:
    assert words.required("拜年[" + "[" * 100_000) == frozenset()
    assert words.required("拜年") == {"拜年"}
