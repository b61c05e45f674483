"""Work over a real Ray of two workers: in order, and whole where a worker is killed."""

import os
import signal
from pathlib import Path

import pytest

from fencun import __version__
from fencun.errors import FencunError
from fencun.ray_cluster import Row, cluster, require_same, spread

ROWS = [{"number": number} for number in range(7)]


def _squared(row: Row, killed: str = "") -> Row:
    """Return the square; the first worker to see a 3 is killed over it."""
    if killed and row["number"] == 3 and not Path(killed).exists():
        Path(killed).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"square": row["number"] ** 2}


class _Squarer:
    def __init__(self, killed: str) -> None:
        self._killed = killed

    def __call__(self, row: Row) -> Row:
        return _squared(row, self._killed)


def _complains(row: Row) -> Row:
    raise FencunError(f"坏在 {row['number']}。", f"Bad at {row['number']}.")


SQUARES = [{"square": number**2} for number in range(7)]


@pytest.mark.slow
@pytest.mark.usefixtures("ray_here")
@pytest.mark.parametrize("work", [_squared, _Squarer])
def test_a_killed_worker_costs_nothing(work: type, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    assert list(spread(work, ROWS, workers=2, killed=str(killed))) == SQUARES
    assert killed.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("ray_here")
def test_what_a_worker_says_to_people_is_what_they_read() -> None:
    with pytest.raises(FencunError, match="坏在 0"), cluster():
        list(spread(_complains, ROWS))


@pytest.mark.usefixtures("ray_here")
def test_a_cluster_that_does_not_fit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def mismatch(*_: object, **__: object) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with: Ray: 2.9.0")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", mismatch)
    with pytest.raises(FencunError, match=r"10\.0\.0\.1.*Ray: 2\.9\.0"), cluster("10.0.0.1:6379"):
        pass
    with pytest.raises(FencunError, match="不加 --on ray"), cluster():
        pass


def test_another_fencun_over_there_is_refused() -> None:
    require_same(__version__)
    with pytest.raises(FencunError, match=r"9\.9"):
        require_same("9.9")


def test_without_ray_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fencun.extras.find_spec", lambda name: None)
    with pytest.raises(FencunError, match=r"fencun\[ray\]"), cluster():
        pass
