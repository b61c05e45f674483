"""Which preset to take: the largest that fits and ends in time; and what else one should know."""

from dataclasses import replace

from fencun.tune.config import TuneConfig
from fencun.tune.machine import Machine
from fencun.tune.preflight.plan import Estimate, choose, plan_run

MACHINE = Machine(8, 32 << 30, "cpu", "", 0, bf16=False, int8=True, cpu="c")
TINY = Estimate("tiny", 16, 2000, 4, (20.0, 30.0, 40.0), 2 << 30, 1 << 20, fits=True)
QUICK = replace(TINY, preset="quick", seconds=(400.0, 500.0, 600.0))
FULL = replace(TINY, preset="full", seconds=(2000.0, 2500.0, 3000.0))


def test_full_is_taken_where_it_ends_within_the_hour() -> None:
    assert choose([TINY, QUICK, FULL], MACHINE).take == "full"
    slow = replace(FULL, seconds=(3000.0, 3500.0, 3601.0))
    assert choose([TINY, QUICK, slow], MACHINE).take == "quick"


def test_what_does_not_fit_is_not_taken_and_is_named() -> None:
    plan = choose([TINY, replace(QUICK, fits=False), replace(FULL, fits=False)], MACHINE)
    assert plan.take == "tiny"
    assert ["quick 放不下" in zh for zh, _ in plan.notes] == [True, False]
    assert choose([replace(TINY, fits=False)], MACHINE).take is None


def test_a_slow_machine_and_a_day_of_training_are_said() -> None:
    long = replace(FULL, seconds=(80_000.0, 90_000.0, 99_000.0))
    notes = choose([long], replace(MACHINE, int8=False)).notes
    assert ["float32" in en for _, en in notes] == [True, False]
    assert "0.5B" in notes[1][0]


def test_a_few_measured_blocks_tell_of_every_preset(config: TuneConfig) -> None:
    said: list[str] = []
    plan = plan_run(config, lambda zh, _: said.append(zh))
    assert {item.preset for item in plan.estimates} == {"tiny", "quick", "full"}
    for item in plan.estimates:
        low, likely, high = item.seconds
        assert 0 < low < likely < high
        assert 0 < item.samples <= 24
        assert item.steps > 0
    assert len(said) == 2
