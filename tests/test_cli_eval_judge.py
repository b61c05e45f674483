"""``fencun eval judge``, as typed: what a machine read, apart from votes."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from eval_case import printed, run

from fencun.evaluate import judging
from fencun.evaluate.study import Study
from fencun.files import write_jsonl


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Which judges were asked; each prefers the lower arm of every pair."""
    seen: list[str | None] = []

    async def judge_all(
        study: Study, model: str | None, *, tell: Callable[[str, int, int], None]
    ) -> list[Any]:
        seen.append(model)
        pairs = judging.to_judge(study)
        rows: Iterable[dict[str, Any]] = (
            {"judge": "m", "brief": brief, "low": low, "high": high, "draw": draw,
             "score": 1.0, "steady": True}
            for brief, low, high, draw in (pair.ask for pair in pairs)
        )  # fmt: skip
        write_jsonl(study.folder / judging.JUDGED, rows)
        tell("m", len(pairs), len(pairs))
        return []

    monkeypatch.setattr(judging, "judge_all", judge_all)
    return seen


def test_what_it_read_is_printed_and_is_no_vote(study: Study, asked: list[str | None]) -> None:
    (screening,) = printed("judge", study.name, "--model", "http://localhost/v1#m")
    assert asked == ["http://localhost/v1#m"]
    assert screening["judge"] == "m"
    assert screening["agrees"] is None or screening["agrees"]["share"] is None
    shown = run("judge", study.name).stdout
    assert "m 是机器，不是人" in shown
    assert printed("verdict", study.name)["decision"] == "evidence"
