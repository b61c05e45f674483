"""Memory and disk of a run, reckoned from the shape of its base."""

from dataclasses import replace

import pytest

from fencun.tune.base import TunableBase
from fencun.tune.config import TuneConfig
from fencun.tune.forward.decoder import Shape
from fencun.tune.machine import Machine
from fencun.tune.preflight.sizes import disk_bytes, memory_bytes

MACHINE = Machine(8, 32 << 30, "cpu", "", 0, bf16=True, int8=False, cpu="c")
CONFIG = TuneConfig(layers=2, rank=4, batch=8, int8="off")


def test_memory_is_what_is_held_and_one_forward_pass(base: TunableBase) -> None:
    usual = memory_bytes(CONFIG, base, MACHINE, 400, 100)
    more = memory_bytes(CONFIG, base, MACHINE, 400, 200)
    rows = int(Shape.read(base.folder).vocab * 0.19)
    a_row = 2 * (2 * (4 * 96 + 11 * 64) + 8 * 64)  # what two adapted blocks keep in bf16
    assert more - usual == 100 * (a_row + rows * (2 + 4 * 4))
    assert memory_bytes(CONFIG.replaced(through_prompt=True), base, MACHINE, 400, 100) > usual
    assert memory_bytes(CONFIG, base, replace(MACHINE, bf16=False), 400, 100) > usual


def test_in_eight_bits_what_learns_is_held_for_both_directions(base: TunableBase) -> None:
    weights = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 96
    eight = memory_bytes(CONFIG.replaced(int8="on"), base, MACHINE, 400, 100)
    plain = memory_bytes(CONFIG, base, MACHINE, 400, 100)
    assert plain - eight == weights * (2 * 3 - (3 + 2)), "two of three blocks are adapted"


@pytest.mark.parametrize(
    ("micro", "batch", "device", "expected"),
    [(0, 8, "cpu", 4), (0, 2, "cpu", 2), (0, 8, "cuda", 8), (3, 8, "cpu", 3)],
)
def test_a_cpu_takes_four_samples_at_once_unless_told(
    micro: int, batch: int, device: str, expected: int
) -> None:
    assert TuneConfig(micro=micro, batch=batch).at_once(device) == expected


def test_disk_is_checkpoints_and_what_lower_blocks_make(base: TunableBase) -> None:
    cached = disk_bytes(CONFIG, base, samples=10, tokens=50.0)
    nothing_seen = disk_bytes(CONFIG, base, samples=0, tokens=50.0)
    assert cached - nothing_seen == 10 * 50 * 64 * 2
    sides = 2 * (64 + 64) + 2 * (32 + 64) + 3 * (64 + 96)
    assert nothing_seen == 4 * 4 * sides * 2 * 7
    assert disk_bytes(CONFIG.replaced(layers=0), base, 10, 50.0) == 4 * 4 * sides * 3 * 7
