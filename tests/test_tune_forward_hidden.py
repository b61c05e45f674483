"""What frozen blocks make of a sample is computed once; a cache that is lost costs time only."""

from functools import partial
from pathlib import Path

import torch
from forward_case import example_of
from tune_tiny import tiny_base

from fencun.tune.forward.decoder import Decoder
from fencun.tune.forward.frozen import frozen
from fencun.tune.forward.hidden import Lower

PREFIX = [7, 8]
ONE = example_of([7, 8, 9, 10], [11, 12])


def lower(base: Path, folder: Path | None) -> Lower:
    exact = partial(frozen, int8=False, dtype=torch.float32)
    decoder = Decoder(base, range(2), exact)
    return Lower(decoder, PREFIX, folder)


def test_a_sample_is_computed_once_and_read_afterwards(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    first = lower(base, tmp_path / "cache")
    made = first(ONE)
    assert made.shape == (len(ONE.ids) - len(PREFIX), 64)
    again = lower(base, tmp_path / "cache")
    assert torch.equal(again(ONE), made)
    assert (first.misses, again.hits, again.misses) == (1, 1, 0)
    assert torch.equal(lower(base, None)(ONE), made), "the cache changes nothing"


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    made = lower(base, tmp_path / "cache")(ONE)
    (path,) = (tmp_path / "cache").iterdir()
    path.write_bytes(path.read_bytes()[:20])
    assert torch.equal(lower(base, tmp_path / "cache")(ONE), made)
