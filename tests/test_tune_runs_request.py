"""What a run can be asked to do, and what not."""

import pytest

from fencun.errors import FencunError
from fencun.tune.runs.request import request_run


@pytest.mark.parametrize(
    ("engine", "method", "said"),
    [
        ("fencun", "x", "没有方法 x"),
        ("fencun", "dpo", "--adapter"),
        ("llamafactory", "dpo", "data pairs"),
        ("x", "sft", "没有引擎 x"),
    ],
)
def test_runs_that_cannot_be_are_told(engine: str, method: str, said: str) -> None:
    with pytest.raises(FencunError, match=said):
        request_run(engine=engine, method=method)
