"""When to stop: tuning should re-order what the model can say, and nothing else.

Every look at the student leaves a few numbers; stopping is a pure function of their history,
so a run that was killed and resumed stops where an uninterrupted one would.
"""

from collections.abc import Sequence
from typing import TypedDict

Reason = tuple[str, str]

CANARY_LIMIT = 0.5
PASS_DROP = 0.34
ECHO_LIMIT = 0.5


class LookMetrics(TypedDict):
    """One look: validation loss and canary rise in nats a token; shares between 0 and 1.

    ``passed`` is the share of greetings without a fault, ``echoes`` the share that repeats a
    training line more than unseen human lines do; None where no greetings were written.
    """

    step: int
    loss: float
    canary: float
    passed: float | None
    echoes: float | None


def best_look(history: Sequence[LookMetrics]) -> LookMetrics:
    """Return the look with the lowest validation loss, the earliest of equals."""
    return min(history, key=lambda seen: (seen["loss"], seen["step"]))


def reason_to_stop(history: Sequence[LookMetrics], patience: int) -> Reason | None:
    """Return why the run should stop now, in Chinese and in English; None to go on."""
    last = history[-1]
    if last["canary"] > CANARY_LIMIT:
        return (
            f"日常问答退步了（每个词多 {last['canary']:.2f} 奈特），停在这里。",
            f"Everyday answers got worse (by {last['canary']:.2f} nats a token); stopped.",
        )
    if len(history) >= 2 and all(_echoes(seen) for seen in history[-2:]):
        return (
            "连着两次，一半以上的话在照抄训练样本，停在这里。",
            "Twice running, at least half of the greetings repeat training lines; stopped.",
        )
    if _pass_rate_fell(history):
        return (
            "过关率连着两次明显低于之前的最好水平，停在这里。",
            "The pass rate has fallen well below its best twice running; stopped.",
        )
    since = len(history) - 1 - list(history).index(best_look(history))
    if since >= patience:
        step = best_look(history)["step"]
        return (
            f"验证损失连续 {since} 次没有变好，停在这里，留用第 {step} 步。",
            f"No better validation loss for {since} looks; stopped, keeping step {step}.",
        )
    return None


def _echoes(seen: LookMetrics) -> bool:
    return seen["echoes"] is not None and seen["echoes"] >= ECHO_LIMIT


def _pass_rate_fell(history: Sequence[LookMetrics]) -> bool:
    rates = [seen["passed"] for seen in history if seen["passed"] is not None]
    return len(rates) >= 3 and max(rates[-2:]) <= max(rates[:-2]) - PASS_DROP
