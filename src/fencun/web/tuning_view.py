"""What the page 微调 shows of a run, made of the files in its folder."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from fencun.labels import gate_label
from fencun.language import say
from fencun.tune.runs.processes import State, TuningRun, events, last_words
from fencun.web.chart import Chart, line_chart, smooth

Row = dict[str, Any]

_PRESETS = {"quick": ("快", "quick"), "full": ("全", "full"), "tiny": ("试", "tiny")}
_OLDER = 2  # of the texts for a brief, how many older ones are shown before one must unfold


def state_words(state: State) -> str:
    """Return what a run is doing, in a word."""
    return {
        "running": say("正在训练", "Training"),
        "stopping": say("正在停下", "Stopping"),
        "stopped": say("停下了", "Stopped"),
        "broken": say("中断了", "Broken off"),
        "finished": say("完成", "Finished"),
    }[state]


def duration(seconds: float) -> str:
    """Return a time as one would say it."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return say(f"{max(1, round(seconds))} 秒", f"{max(1, round(seconds))} s")
    if minutes < 90:
        return say(f"{minutes} 分钟", f"{minutes} min")
    hours, minutes = divmod(minutes, 60)
    return say(f"{hours} 小时 {minutes} 分", f"{hours} h {minutes} min")


def summary(run: TuningRun) -> Row:
    """Return what a list of runs shows of one."""
    resolved = run.facts.get("resolved", {})
    base = run.facts.get("base")
    return {
        "name": run.name,
        "when": _when(run.name),
        "state": run.state,
        "words": state_words(run.state),
        "base": base.get("name", "") if isinstance(base, Mapping) else "",
        "preset": _kind(run),
        "ended": run.state == "finished" and run.adapter is not None,
        "engine": "LLaMA-Factory" if run.facts.get("engine") == "llamafactory" else "",
        "samples": run.facts.get("samples"),
        "steps": resolved.get("steps"),
        "outcome": run.manifest.get("outcome"),
        "margin": run.manifest.get("margin"),
    }


def _kind(run: TuningRun) -> str:
    """Return the preset, or that a run learns from preferences."""
    if run.facts.get("method") == "dpo":
        return say("学偏好", "preferences")
    return say(*_PRESETS.get(run.facts.get("given", {}).get("preset", ""), ("", "")))


def _when(name: str) -> str:
    try:
        return datetime.strptime(name, "%Y%m%d-%H%M%S").strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return name


def view(run: TuningRun, ask: Sequence[tuple[str, str]]) -> Row:
    """Return everything about a run; ``ask`` are the fields (name, label) of a brief."""
    ticks, looks = events(run)
    step = max([row["step"] for row in (*ticks, *looks)], default=0)
    steps = ticks[-1]["steps"] if ticks else run.facts.get("resolved", {}).get("steps", 0)
    outcome = run.manifest.get("outcome", {})
    stopped = outcome.get("stopped")
    alive = run.state in ("running", "stopping")
    return {
        **summary(run),
        "alive": alive,
        "can_stop": run.can_stop,
        "can_resume": run.can_resume,
        "folder": str(run.folder),
        "step": step,
        "of": steps,
        "facts": _facts(ticks, looks) if alive or ticks else [],
        "left": duration(ticks[-1]["eta"]) if ticks and run.state == "running" else "",
        "loss": _loss_chart(ticks, looks, steps),
        "rate": _pass_chart(looks, steps),
        "briefs": _briefs(looks, ask),
        "stopped": say(*stopped) if stopped else "",
        "said": last_words(run) if run.state == "broken" else "",
        "has_adapter": run.adapter is not None,
    }


def _facts(ticks: Sequence[Row], looks: Sequence[Row]) -> list[tuple[str, str]]:
    found = []
    if ticks:
        loss = smooth([row["loss"] for row in ticks])[-1]
        found.append((say("训练损失", "Training loss"), f"{loss:.3f}"))
    if looks:
        best = min(looks, key=lambda row: (row["loss"], row["step"]))
        found.append((say("验证损失", "Validation loss"), f"{looks[-1]['loss']:.3f}"))
        found.append((say("最好在", "Best at"), say(f"第 {best['step']} 步", f"{best['step']}")))
        if (rate := _pass_rate(looks[-1])) is not None:
            found.append((say("过关", "Pass the gates"), f"{rate:.0%}"))
        if looks[-1].get("canary"):
            canary = f"{looks[-1]['canary']:+.3f}"
            found.append((say("日常问答", "Everyday answers"), canary))
    if ticks:
        rate = ticks[-1]["samples_per_second"]
        found.append((say("每秒样本", "Samples a second"), f"{rate:.2f}"))
    return found


def _loss_chart(ticks: Sequence[Row], looks: Sequence[Row], steps: int) -> Chart | None:
    if len(ticks) < 2 and not looks:
        return None
    learnt = smooth([row["loss"] for row in ticks])
    training = [(row["step"], loss) for row, loss in zip(ticks, learnt, strict=True)]
    seen = [(row["step"], row["loss"]) for row in looks]
    lines = [("training", training, False), ("validation", seen, True)]
    return line_chart(lines, across=steps)


def _pass_chart(looks: Sequence[Row], steps: int) -> Chart | None:
    rates = [(row["step"], rate) for row in looks if (rate := _pass_rate(row)) is not None]
    if not rates:
        return None
    return line_chart([("passed", rates, True)], across=steps, low=0, high=1, percent=True)


def _pass_rate(look: Row) -> float | None:
    greetings = look.get("greetings") or []
    return sum(not g["faults"] for g in greetings) / len(greetings) if greetings else None


def _briefs(looks: Sequence[Row], ask: Sequence[tuple[str, str]]) -> list[Row]:
    """Return, for each brief that was looked at, its texts from the newest to the oldest."""
    texts: dict[str, list[Row]] = {}
    asked: dict[str, Row] = {}
    for look in looks:
        for greeting in look.get("greetings") or []:
            asked[greeting["id"]] = greeting["brief"]
            texts.setdefault(greeting["id"], []).append({"step": look["step"], **greeting})
    return [
        {
            "id": identity,
            "asked": [(label, asked[identity].get(name, "")) for name, label in ask],
            **_unfolding(written),
        }
        for identity, written in texts.items()
    ]


def _unfolding(written: Sequence[Row]) -> Row:
    """Return the texts newest first, each with what changed since the one before it."""
    entries: list[Row] = []
    for before, now in zip([None, *written[:-1]], written, strict=True):
        same = before is not None and before["text"] == now["text"]
        if same and entries:
            entries[-1]["until"] = now["step"]
            continue
        pieces = changed(before["text"], now["text"]) if before else [(now["text"], False)]
        faults = [gate_label(gate) for gate in now["faults"]]
        entries.append(
            {
                "step": now["step"],
                "until": now["step"],
                "pieces": pieces,
                "faults": faults,
                "repeats": now.get("nearest", "") if now.get("echo") else "",
            }
        )
    entries.reverse()
    return {"entries": entries[: _OLDER + 1], "older": entries[_OLDER + 1 :]}


def changed(before: str, now: str) -> list[tuple[str, bool]]:
    """Return ``now`` in pieces, and of each whether it is new since ``before``."""
    matcher = SequenceMatcher(None, before, now, autojunk=False)
    return [
        (now[start:stop], operation != "equal")
        for operation, _, _, start, stop in matcher.get_opcodes()
        if stop > start
    ]
