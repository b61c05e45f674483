"""The flywheel: what people did becomes pairs; what must not be learned from stays out."""

from pathlib import Path

import pytest
from evaluate_study import answered_study
from pairs_case import ASKED, BAD, GOOD, OTHER, write
from report_case import voted

from fencun.brief import parse_brief
from fencun.evaluate.pairs import Pair, from_votes, from_writings, harvest
from fencun.evaluate.study import Study
from fencun.scenario import Scenario
from fencun.store.database import Store


def pairs_of(scenario: Scenario) -> list[Pair]:
    with Store() as store:
        return store.read(lambda session: list(from_writings(session, scenario)))


def test_liked_beside_disliked_and_mended_beside_what_it_was(scenario: Scenario) -> None:
    mended = GOOD.replace("天冷少站风口", "风大的日子在屋里喝口热的")
    write(
        scenario,
        [
            (0, "edited", "半截"),
            (0, "edited", mended),
            (0, "liked", None),
            (1, "disliked", None),
            (2, "disliked", None),
            (2, "unrated", None),
        ],
    )
    found = {(p.source, p.chosen, p.rejected) for p in pairs_of(scenario)}
    assert found == {("edited", mended, GOOD), ("rated", mended, BAD)}
    kept = harvest(scenario, pairs_of(scenario))
    assert len(kept.pairs) == 2
    assert not kept.refused


def test_a_chosen_text_that_fails_the_gates_is_not_taught(scenario: Scenario) -> None:
    write(scenario, [(1, "liked", None), (0, "disliked", None)])
    kept = harvest(scenario, pairs_of(scenario))
    assert (kept.pairs, dict(kept.refused)) == ((), {"gates": 1})


def test_private_data_opposites_and_sameness_stay_out(scenario: Scenario) -> None:
    brief = parse_brief(scenario, ASKED)
    private = Pair(brief, GOOD, f"{OTHER}13812345678", "edited")
    assert dict(harvest(scenario, [private]).refused) == {"private": 1}
    there, back = Pair(brief, GOOD, OTHER, "rated"), Pair(brief, OTHER, GOOD, "rated")
    assert harvest(scenario, [there, back]).refused["contradicted"] == 2
    assert harvest(scenario, [there, there]).refused["same"] == 1
    assert harvest(scenario, [Pair(brief, GOOD, GOOD, "edited")]).refused["no_difference"] == 1


async def test_votes_on_test_briefs_never_become_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = await answered_study(tmp_path, monkeypatch)
    voted(study, 3)
    found = list(from_votes(study))
    assert len(found) == len(study.briefs())
    assert all("汤" in pair.chosen or "饺子" in pair.chosen for pair in found)
    kept = harvest(study.scenario, found)
    assert kept.pairs == ()
    assert dict(kept.refused) == {"test_brief": len(found)}
    assert isinstance(study, Study)
