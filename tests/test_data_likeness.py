"""Lines too much alike are found, all of them and no others, and the pair is named."""

import itertools
import random
from collections.abc import Callable

import numpy as np
import pytest
from data_case import planted

from fencun.data.likeness import Alike, fallen, near_duplicates, overlaps, same_meaning
from fencun.data.overlap import GRAM
from fencun.grams import gram_set, words_only
from fencun.scenario import Scenario


def test_near_duplicates_are_those_that_an_exact_count_finds(scenario: Scenario) -> None:
    texts = planted(scenario, 120)
    sets = [gram_set(words_only(text), GRAM) for text in texts]
    exact = {
        (a, b)
        for a, b in itertools.combinations(range(len(texts)), 2)
        if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= 0.5
    }
    found = {(pair.earlier, pair.later) for pair in near_duplicates(texts)}
    assert len(exact) > 40
    assert found <= exact, "what is reported is true"
    assert len(found) >= 0.97 * len(exact), "MinHash may miss a few at the threshold"


def test_overlaps_are_exact(scenario: Scenario) -> None:
    texts = planted(scenario, 120)
    sets = [gram_set(words_only(text), GRAM) for text in texts]
    exact = {
        (a, b): len(sets[a] & sets[b]) / min(len(sets[a]), len(sets[b]))
        for a, b in itertools.combinations(range(len(texts)), 2)
    }
    expected = {pair for pair, share in exact.items() if share >= 0.3}
    found = {(pair.earlier, pair.later): pair.degree for pair in overlaps(texts)}
    assert found.keys() == expected
    assert len(expected) > 80
    for pair, degree in found.items():
        assert degree == pytest.approx(exact[pair])


@pytest.mark.parametrize("search", [near_duplicates, overlaps])
def test_who_falls_is_the_same_as_by_all_pairs(
    scenario: Scenario, search: Callable[..., list[Alike]]
) -> None:
    """In a crowd of lines alike each falls once, because of the first that stands."""
    crowd = planted(scenario, 60)
    shuffle = random.Random(3)
    for _ in range(4):
        crowd += [text[: shuffle.randrange(20, 60)] + text[-20:] for text in crowd[:60]]
    shuffle.shuffle(crowd)
    pairs = search(crowd)
    expected = fallen(pairs)
    assert len(pairs) > len(expected) > 100
    assert {pair.later: pair for pair in search(crowd, once=True)} == expected


def test_the_commonest_5_grams_go_first_where_there_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    common, rare = "窗外的雪下了一整夜", "灶上的汤"
    texts = [f"{common}{chr(0x4E00 + 40 * at)}" for at in range(50)]
    texts += [f"{rare}滚了三遍等你回来", f"{rare}滚了三遍等他回来"]
    assert len(overlaps(texts, once=True)) == 50
    monkeypatch.setattr("fencun.data.likeness._COMPARISONS", 1000)
    (pair,) = overlaps(texts)
    assert (pair.earlier, pair.later) == (50, 51)


@pytest.mark.parametrize("texts", [[], ["妈"], ["", ""], ["。，", "！"]])
def test_little_or_nothing_is_no_trouble(texts: list[str]) -> None:
    near_duplicates(texts)
    overlaps(texts)


def test_meaning_is_a_cosine() -> None:
    rows = np.array([[1, 0], [0, 1], [0.999, 0.0447], [0.6, 0.8]], dtype=np.float32)
    (pair,) = same_meaning(rows)
    assert (pair.earlier, pair.later) == (0, 2)
    assert pair.degree == pytest.approx(0.999, abs=1e-3)


def test_of_two_alike_the_later_falls_unless_the_earlier_fell() -> None:
    pairs = [Alike(0, 1, 0.9), Alike(1, 2, 0.9), Alike(0, 3, 0.6)]
    assert fallen(pairs) == {1: pairs[0], 3: pairs[2]}
