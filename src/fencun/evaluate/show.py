"""Numbers of an evaluation as people read them: the same words in the terminal and the report."""

from typing import Any

from fencun.evaluate.variants import VARIANTS
from fencun.files import Json
from fencun.language import say

NOTHING = "–"
_FEW = 3  # of fewer briefs a share says nothing of others


def percent(share: float | None) -> str:
    """Return a share as a whole percentage; a dash where there is none."""
    return NOTHING if share is None else f"{100 * share:.0f}%"


def rate(found: Json | None) -> str:
    """Return ``count/total``, and the share where the total is worth one."""
    if not found or not found["total"]:
        return NOTHING
    told = f"{found['count']}/{found['total']}"
    return f"{told} ({percent(found['share'])})" if found["total"] >= 10 else told


def share(found: Json | None) -> str:
    """Return a share with its interval; a dash where there is none."""
    if not found or found["share"] is None:
        return NOTHING
    return f"{percent(found['share'])} ({100 * found['low']:.0f}–{100 * found['high']:.0f})"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with so many digits after the point; a dash where there is none."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def _again(arm: dict[str, Any]) -> str:
    """Return how often draws of the same brief pass, and of how many briefs that is."""
    found, briefs = arm["seeds"], len(arm["steady"])
    if not found or not found["total"]:
        return NOTHING
    counted = rate(found) if briefs >= _FEW else f"{found['count']}/{found['total']}"
    named = "1 brief" if briefs == 1 else f"{briefs} briefs"
    return say(f"{counted}，{briefs} 条需求", f"{counted}, {named}")


def probe_rows(summary: Json) -> list[tuple[str, list[str]]]:
    """Return the probes as rows: what was measured, and one cell for every arm."""
    arms: list[dict[str, Any]] = summary["arms"]

    def row(zh: str, en: str, cells: list[str]) -> tuple[str, list[str]]:
        return say(zh, en), cells

    rows = [
        row("过所有关卡", "pass all gates", [rate(arm["hit"]) for arm in arms]),
        row("同一条需求反复写，过关", "one brief again and again", [_again(arm) for arm in arms]),
        row("反复写的相似度", "likeness of those", [number(a["alike"]) for a in arms]),
        row("漂移：原样", "drift: as it was", [rate(a["plain"]) for a in arms]),
    ]
    for name, (zh, en, _) in VARIANTS.items():
        cells = [rate(a["drift"].get(name)) for a in arms]
        rows.append(row(f"漂移：{zh}", f"drift: {en}", cells))
    return [
        *rows,
        row("分寸：点破了不该提的", "tact: named it", [rate(arm["named"]) for arm in arms]),
        row("照抄训练句", "repeats a training line", [rate(arm["echo"]) for arm in arms]),
        row("最长照抄（字）", "longest run (characters)", [str(a["longest_run"]) for a in arms]),
        row("日常问答答对", "everyday questions right", [rate(arm["canary"]) for arm in arms]),
        row("中位字数", "median characters", [number(arm["characters"], 0) for arm in arms]),
    ]
