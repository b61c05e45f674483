"""Lines too much alike are found, all of them and no others, and the pair is named."""

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_case import line

from fencun.data import embedding
from fencun.data.across import look_across
from fencun.data.likeness import Alike, fallen, near_duplicates, overlaps, same_meaning
from fencun.data.lines import read_lines
from fencun.data.ngrams import count_distinct
from fencun.data.overlap import GRAM
from fencun.data.refrain import Refrains, ending, opening
from fencun.grams import gram_set, words_only
from fencun.scenario import Scenario


def planted(scenario: Scenario, count: int) -> list[str]:
    """Real texts, and after them copies with a few characters changed, more and more."""
    texts = [
        line.text for line in read_lines([scenario.folder / "seeds.jsonl"], scenario).lines[:count]
    ]
    shuffle = random.Random(7)
    copies = []
    for at, text in enumerate(texts):
        letters = list(text)
        for _ in range(1 + at % 9):
            letters[shuffle.randrange(len(letters))] = shuffle.choice("甲乙丙丁戊己")
        copies.append("".join(letters))
    return texts + copies


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


def test_a_copy_is_told_of_whom(scenario: Scenario) -> None:
    text = "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷，碗也我刷。"
    lines = [line(scenario, "s1", text), line(scenario, "s2", text.replace("水仙", "蟹爪兰"))]
    (finding,) = look_across(lines)[1]
    assert finding.gate in ("near", "overlap")
    assert "s1" in finding.zh


def test_openings_and_endings_know_the_salutation() -> None:
    assert opening("王老师，给您拜年了，天冷。", "王老师") == "给您拜年了天"
    assert ending("天冷，少站风口，多穿一件。") == "少站风口多穿一件"


def test_a_refrain_keeps_the_first_ones_of_its_share() -> None:
    refrains = Refrains()
    for at in range(100):
        same = at % 10 == 0
        text = (
            f"灶上的汤滚了{at:03d}" if same else f"{at:03d}窗外下雪了你出门{at:03d}多穿一件{at:03d}"
        )
        refrains.add(text, "")
    found = refrains.findings()
    assert sorted(found) == [50, 60, 70, 80, 90], "ten lines open alike, five may"
    assert {finding.gate for findings in found.values() for finding in findings} == {"openings"}


def test_what_means_the_same_is_nearer_than_what_does_not(tmp_path: Path) -> None:
    embedder = embedding.Embedder(tmp_path / "vectors.npz")
    told: list[tuple[int, int]] = []
    texts = [
        "妈，厨房的活今年我来，您坐着看春晚。",
        "妈，今年厨房归我，您只管坐着看春晚。",
        "李总，展会上多亏您那张地图，祝您店里天天有回头客。",
    ]
    vectors = embedder.vectors(texts, lambda done, total: told.append((done, total)))
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.05
    assert told == [(3, 3)]
    again = embedding.Embedder(tmp_path / "vectors.npz")
    told.clear()
    assert np.array_equal(again.vectors(texts, lambda *count: told.append(count)), vectors)
    assert told == [], "nothing is embedded twice"


def test_a_broken_store_of_vectors_is_only_a_slower_start(tmp_path: Path) -> None:
    (tmp_path / "vectors.npz").write_bytes(b"PK\x03\x04 torn")
    embedder = embedding.Embedder(tmp_path / "vectors.npz")
    assert embedder.vectors(["妈，回家了。"]).shape == (1, 384)
