"""What lines mean, as vectors that are kept."""

from pathlib import Path

import numpy as np

from fencun.data import embedding


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
