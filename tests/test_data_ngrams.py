"""N-grams as codes are counted as sets of strings would count them."""

import pytest
from data_case import planted

from fencun.data.ngrams import count_distinct
from fencun.grams import words_only
from fencun.scenario import Scenario


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_n_grams_are_counted_as_a_set_counts_them(
    scenario: Scenario, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [*planted(scenario, 200), "", "妈", "，。", "𠮷祥"]
    plain = [words_only(text) for text in texts]
    expected = {text[at : at + n] for text in plain for at in range(len(text) - n + 1)}
    assert count_distinct(texts, n) == len(expected)
    monkeypatch.setattr("fencun.data.ngrams._PART", 500)
    monkeypatch.setattr("fencun.data.ngrams._CHUNK", 7)
    assert count_distinct(texts, n) == len(expected), "in small pieces just the same"
