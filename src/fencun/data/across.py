"""What is wrong with lines only because of other lines: the gates that look at a whole batch."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Protocol

from fencun.data.likeness import Alike, fallen, near_duplicates, overlaps, same_meaning
from fencun.data.lines import Tell
from fencun.data.refrain import Refrains
from fencun.gates import Finding

Findings = dict[int, tuple[Finding, ...]]


class BatchLine(Protocol):
    """What is looked at; :class:`fencun.data.lines.Line` is such."""

    @property
    def id(self) -> str:
        """By which findings name it."""
        ...

    @property
    def text(self) -> str:
        """What is sent."""
        ...

    @property
    def salutation(self) -> str:
        """By what name it may begin; empty where by none."""
        ...


_near_duplicates = partial(near_duplicates, once=True)


def look_across(
    lines: Sequence[BatchLine],
    *,
    semantic: bool = False,
    tell: Tell | None = None,
    near: Callable[[Sequence[str]], Sequence[Alike]] = _near_duplicates,
) -> Findings:
    """Return what is wrong, by the position in ``lines``; of two that clash the later is at fault.

    Each gate looks only at what the ones before it left: near-duplicates, shared 5-grams,
    the same meaning (with ``semantic``; embeds what was never embedded), refrains.
    ``near`` finds the near-duplicates of which the later falls.
    """
    texts = [line.text for line in lines]
    found: Findings = {}

    def fell(pairs: Sequence[Alike], left: Sequence[int], finding: Callable[..., Finding]) -> None:
        for pair in pairs:
            earlier = lines[left[pair.earlier]].id
            found[left[pair.later]] = (finding(earlier, pair.degree),)

    first: dict[str, int] = {}
    originals = [first.setdefault(text, at) for at, text in enumerate(texts)]
    left = list(first.values())
    fell(near([texts[at] for at in left]), left, _near)
    for at, original in enumerate(originals):
        if at != original:
            found[at] = found.get(original) or (_near(lines[original].id, 1.0),)
    left = [at for at in range(len(lines)) if at not in found]
    fell(overlaps([texts[at] for at in left], once=True), left, _overlap)
    if semantic:
        left = [at for at in left if at not in found]
        fell(_meaning([texts[at] for at in left], tell), left, _same)
    left = [at for at in left if at not in found]
    refrains = Refrains()
    for at in left:
        refrains.add(texts[at], lines[at].salutation)
    for position, findings in refrains.findings().items():
        found[left[position]] = tuple(findings)
    return found


def _meaning(texts: list[str], tell: Tell | None) -> list[Alike]:
    from fencun.data.embedding import Embedder

    pairs = same_meaning(Embedder().vectors(texts, tell or (lambda done, total: None)))
    return list(fallen(pairs).values())


@lru_cache(maxsize=4096)  # a million copies of one line share one finding
def _near(other: str, degree: float) -> Finding:
    zh = f"和 {other} 几乎一样（5 字片段相似度 {degree:.0%}）。"
    return Finding("near", "fault", 0, 0, zh, f"Nearly the same as {other} ({degree:.0%}).")


def _overlap(other: str, degree: float) -> Finding:
    zh = f"和 {other} 重合太多（短的一条里 {degree:.0%} 的 5 字片段相同）。"
    return Finding(
        "overlap", "fault", 0, 0, zh, f"Shares {degree:.0%} of its 5-grams with {other}."
    )


def _same(other: str, degree: float) -> Finding:
    zh = f"和 {other} 说的是一个意思（相似度 {degree:.3f}），换个角度写。"
    return Finding(
        "semantic", "fault", 0, 0, zh, f"Says the same as {other} (cosine {degree:.3f})."
    )
