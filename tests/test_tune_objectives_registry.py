"""Objectives by the name that a run's config.json gives them."""

import pytest

from fencun.errors import FencunError
from fencun.tune.objectives.registry import OBJECTIVES, make_objective
from fencun.tune.objectives.sft import Sft


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_made_of_its_options_is_the_same_again(name: str) -> None:
    given = {"dpo": {"pairs": "p.jsonl"}, "verifier": {"judgements": "j.jsonl"}}.get(name, {})
    made = make_objective(name, given)
    assert made.name == name
    again = make_objective(name, made.options())
    assert (type(again), again.options()) == (type(made), made.options())


def test_an_unknown_one_and_options_of_another_version_are_refused() -> None:
    assert isinstance(make_objective("sft", {}), Sft)
    with pytest.raises(FencunError, match=r"没有方法 ppo.*sft、dpo"):
        make_objective("ppo", {})
    with pytest.raises(FencunError, match="不是这个版本的"):
        make_objective("sft", {"no_such": 1})
