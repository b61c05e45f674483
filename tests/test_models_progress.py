"""Speed comes from the last seconds, and is not told too often."""

import pytest

from fencun.models import progress
from fencun.models.progress import Meter, Progress


def test_speed_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    seen: list[Progress] = []
    meter = Meter("hub", None, seen.append)
    for second in range(21):
        clock[0] = 100.0 + second
        meter.at(second * 10 if second < 10 else 100 + (second - 10) * 100, total=2000)
    assert seen[-1] == Progress("hub", 1100, 2000, 100.0)
    meter.at(1150)  # within a tenth of a second: not told
    assert len(seen) == 21
    meter.at(2000)  # the end always is
    assert seen[-1].done == 2000
