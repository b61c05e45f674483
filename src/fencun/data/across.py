"""What is wrong with lines only because of other lines: the gates that look at a whole batch."""

from collections.abc import Callable, Sequence

from fencun.data.likeness import Alike, fallen, near_duplicates, overlaps, same_meaning
from fencun.data.lines import Line
from fencun.data.refrain import Refrains
from fencun.gates import Finding

Findings = dict[int, list[Finding]]
Tell = Callable[[int, int], None]


def look_across(
    lines: Sequence[Line], *, semantic: bool = False, tell: Tell | None = None
) -> Findings:
    """Return what is wrong, by the position in ``lines``; of two that clash the later is at fault.

    Each gate looks only at what the ones before it left: near-duplicates, shared 5-grams,
    the same meaning (with ``semantic``; embeds what was never embedded), refrains.
    """
    found: Findings = {}
    texts = [line.text for line in lines]
    _fell(found, lines, list(range(len(lines))), lambda t: near_duplicates(t), texts, _near)
    left = [at for at in range(len(lines)) if at not in found]
    _fell(found, lines, left, lambda t: overlaps(t), texts, _overlap)
    if semantic:
        left = [at for at in range(len(lines)) if at not in found]
        _fell(found, lines, left, lambda t: _meaning(t, tell), texts, _same)
    left = [at for at in range(len(lines)) if at not in found]
    refrains = Refrains()
    for at in left:
        refrains.add(lines[at].text, lines[at].brief.value("salutation"))
    for position, findings in refrains.findings().items():
        found.setdefault(left[position], []).extend(findings)
    return found


def _fell(
    found: Findings,
    lines: Sequence[Line],
    left: Sequence[int],
    search: Callable[[list[str]], list[Alike]],
    texts: Sequence[str],
    finding: Callable[[str, float], Finding],
) -> None:
    for position, pair in fallen(search([texts[at] for at in left])).items():
        earlier = lines[left[pair.earlier]].id
        found.setdefault(left[position], []).append(finding(earlier, pair.degree))


def _meaning(texts: list[str], tell: Tell | None) -> list[Alike]:
    from fencun.data.embedding import Embedder

    return same_meaning(Embedder().vectors(texts, tell or (lambda done, total: None)))


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
