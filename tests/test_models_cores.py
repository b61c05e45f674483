"""As many threads as there are cores to run on."""

import os

from fencun.models.cores import physical_cores


def test_no_more_cores_than_this_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    assert 1 <= physical_cores() <= len(allowed)
    one = {min(allowed)}
    os.sched_setaffinity(0, one)
    try:
        assert physical_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
