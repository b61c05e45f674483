"""A LoRA adapter in a GGUF that would do nothing, or harm, is refused before it is loaded."""

import math
from pathlib import Path

import numpy as np
import pytest
from tiny_adapter import write_manifest, write_small

from fencun.adapter import read_adapter
from fencun.errors import ModelError


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"halves": ""}, "没有成对"),
        ({"halves": "a"}, "缺一半|没有成对"),
        ({"halves": "b"}, "没有成对"),
        ({"alpha": math.nan}, "alpha"),
        ({"alpha": math.inf}, "alpha"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": -4.0}, "alpha"),
        ({"value": math.nan}, "不是数"),
        ({"value": -math.inf, "dtype": np.float16}, "不是数"),
        ({"value": 0.0}, "零"),
        ({"up": (8, 3)}, "对不上"),
        ({"down": (8,)}, "对不上"),
        ({"kind": "control"}, "LoRA"),
    ],
)
def test_an_adapter_that_would_do_nothing_or_harm_is_refused(
    tmp_path: Path, broken: dict[str, object], told: str
) -> None:
    """Though its manifest pins exactly these bytes."""
    write_small(tmp_path / "adapter.gguf", **broken)  # type: ignore[arg-type]
    write_manifest(tmp_path)
    for _ in range(2):
        with pytest.raises(ModelError, match=told):
            read_adapter(tmp_path)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "adapter.gguf"
    whole = write_small(path).read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        write_manifest(tmp_path)
        with pytest.raises(ModelError, match="不能用"):
            read_adapter(tmp_path)
