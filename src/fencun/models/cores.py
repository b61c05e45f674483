"""How many cores this process may really use."""

import os
from pathlib import Path


def physical_cores() -> int:
    """Return the number of physical cores this process may run on, at least 1.

    Hyper-threads share the units that matrix products need, so they are not counted;
    a CPU quota of the container (cgroup v2) is respected.
    """
    allowed = _allowed()
    cores = {_core(cpu) for cpu in allowed}
    return max(1, min(len(cores), _quota() or len(cores)))


def _allowed() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _core(cpu: int) -> tuple[str, ...]:
    topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
    try:
        return tuple(
            (topology / name).read_text().strip() for name in ("physical_package_id", "core_id")
        )
    except OSError:
        return (str(cpu),)


def _quota() -> int | None:
    """Return the whole cores of a cgroup quota, rounded up; None where there is none."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()[:2]
        return None if quota == "max" else max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):
        return None
