"""How many votes a study is planned for, and when it is looked at."""

from decide_case import PLANNED, RULES

from fencun.evaluate.planning import MOST, look_votes, reached, votes_needed, votes_planned


def test_looks_share_five_percent_of_doubt_on_one_side() -> None:
    looks = RULES.plan.looks
    assert sum(look.alpha for look in looks) <= 0.05
    assert reached(PLANNED - 1, PLANNED, RULES.plan) is None
    for number, look in enumerate(looks):
        votes = look_votes(PLANNED, look)
        found = reached(votes + 1, PLANNED, RULES.plan)
        assert found is not None
        assert (found.number, found.votes) == (number, votes)


def test_planned_votes_grow_as_briefs_get_fewer_and_arms_more() -> None:
    planned = [votes_planned(arms, 78, RULES) for arms in (2, 3, 4, 5)]
    assert planned == sorted(planned)
    assert votes_planned(3, 30, RULES) > votes_planned(3, 50, RULES) > votes_planned(3, 78, RULES)
    assert votes_planned(4, 500, RULES) <= votes_planned(4, 78, RULES)


def test_votes_needed_are_a_range_that_shrinks_with_the_doubt() -> None:
    look = RULES.plan.looks[0]
    wide = votes_needed(0.65, 0.3, 400, 0.55, look)
    narrow = votes_needed(0.65, 0.15, 400, 0.55, look)
    assert wide[0] < wide[1]
    assert narrow[1] < wide[1]
    assert votes_needed(0.56, 0.3, 400, 0.55, look)[1] == MOST
