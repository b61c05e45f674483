"""What a run tells while it goes on, and how it ended. Nothing here needs torch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from fencun.tune.runs.early_stopping import LookMetrics, Reason


@dataclass(frozen=True)
class StepEvent:
    """One step: ``loss`` as the objective counts it, ``rate`` of learning, ``eta`` in seconds."""

    kind: ClassVar[str] = "tick"  # in the log of a run

    step: int
    steps: int
    loss: float
    rate: float
    samples_per_second: float
    eta: float


@dataclass(frozen=True)
class LookEvent:
    """What was seen when the run paused to look; the numbers are those of :class:`LookMetrics`.

    ``greetings`` are for people: brief, text, and the gates that found a fault. ``passed`` and
    ``echoes`` are None where there are too few of them to stop a run by.
    """

    kind: ClassVar[str] = "look"

    step: int
    loss: float
    canary: float = 0.0
    passed: float | None = None
    echoes: float | None = None
    greetings: list[dict[str, Any]] = field(default_factory=list)

    def seen(self) -> LookMetrics:
        """Return the numbers alone."""
        return LookMetrics(
            step=self.step,
            loss=self.loss,
            canary=self.canary,
            passed=self.passed,
            echoes=self.echoes,
        )


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: ``best_step`` is the step whose adapter was kept, ``stopped`` says why."""

    steps: int
    best_step: int
    best_loss: float
    stopped: Reason | None


Event = StepEvent | LookEvent
Tell = Callable[[Event], None]


def silently(_: Event) -> None:
    """Tell nobody."""
