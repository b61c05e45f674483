"""Small-scale breeding: what is thin is planned, each draft judged, none lost or paid twice."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from breed_case import SEEDS, TEXTS, Author, children, rows
from data_case import small_scenario

from fencun.data.breeder import ModelBreeder, WrittenDraft
from fencun.data.breeding_plan import PlannedChild
from fencun.data.breeding_run import JOURNAL, BreedingRun, Budget, bring_back
from fencun.data.lines import Line, read_lines
from fencun.errors import EngineError, FencunError
from fencun.models.fake import FakeEngine
from fencun.scenario import Scenario


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    return small_scenario(tmp_path / "scenario", SEEDS)


@pytest.fixture
def lines(small: Scenario) -> list[Line]:
    return read_lines([small.folder / "seeds.jsonl"], small).lines


def test_good_drafts_are_kept_with_their_lineage(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    out = tmp_path / "run-7"
    author = Author(TEXTS)
    outcome = asyncio.run(BreedingRun(small, out, children(3), lines).breed(author))
    assert (outcome.kept, outcome.given_up, outcome.spent.calls) == (3, 0, 3)
    drafts = rows(out / "drafts.jsonl")
    assert [draft["text"] for draft in drafts] == list(TEXTS[:3])
    assert {(d["parent"], d["breeder"], d["run"]) for d in drafts} == {("s1", "小李", "run-7")}
    assert [siblings for _, siblings, _ in author.asked] == [[], [TEXTS[0]], list(TEXTS[:2])]
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["drafts"] == 3
    assert manifest["spent"]["prompt_tokens"] == 300
    good = read_lines([small.folder / "seeds.jsonl", out / "drafts.jsonl"], small)
    assert not good.bad


@pytest.mark.parametrize(
    ("text", "fields", "gate"),
    [
        ("爸，值此新春之际，愿您万事如意。", {}, "cliche"),
        ("妈，窗台上那盆水仙开了，给您拜年，您歇着，碗我刷。", {}, "overlap"),
        ("爸，打我电话13912345678，我去接您过年。", {}, "privacy"),
        (TEXTS[0], {"detail": "我们一起补过渔网"}, "plan"),
        ("爸好", {}, "length"),
        ("", {}, "record"),
    ],
)
def test_a_refused_draft_is_set_aside_with_its_reason(
    small: Scenario, lines: list[Line], tmp_path: Path, text: str, fields: dict[str, str],
    gate: str,
) -> None:  # fmt: skip
    class Fixed(Author):
        async def write(self, *asked: Any) -> WrittenDraft:
            given = {"salutation": "爸", "detail": "", "why": "", "text": text} | fields
            return WrittenDraft({**given, "salutation": text[:1] or "爸"}, "", 1, 1)

    outcome = asyncio.run(
        BreedingRun(small, tmp_path, children(1), lines, tries=1).breed(Fixed(()))
    )
    assert (outcome.kept, outcome.given_up) == (0, 1)
    assert outcome.refusals[gate] == 1
    (aside,) = rows(tmp_path / "aside.jsonl")
    assert aside["row"]["text"] == text
    assert gate in {reason["gate"] for reason in aside["reasons"]}
    assert rows(tmp_path / "drafts.jsonl") == []


def test_a_topic_that_was_planned_must_be_told(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    planned = [PlannedChild("b1", "s1", children(1)[0].values, "短", "离婚分手")]
    author = Author(TEXTS, detail="她刚离婚")
    asyncio.run(BreedingRun(small, tmp_path / "told", planned, lines).breed(author))
    (draft,) = rows(tmp_path / "told" / "drafts.jsonl")
    assert draft["tact"] == {"topic": "离婚分手", "handling": "不提"}
    silent = Author(TEXTS, detail="搬过一次家")
    outcome = asyncio.run(BreedingRun(small, tmp_path / "silent", planned, lines).breed(silent))
    assert outcome.refusals["plan"] == 2, "tried twice"


def test_another_try_may_succeed(small: Scenario, lines: list[Line], tmp_path: Path) -> None:
    author = Author(["爸好", TEXTS[0]])
    outcome = asyncio.run(BreedingRun(small, tmp_path, children(1), lines, tries=2).breed(author))
    assert (outcome.kept, outcome.given_up) == (1, 0)
    assert [attempt for *_, attempt in author.asked] == [0, 1]
    assert rows(tmp_path / "aside.jsonl") == [], "a child that was born is not aside"


def test_two_children_of_one_run_may_not_be_twins(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    author = Author([TEXTS[0], TEXTS[0].replace("爸，", "爸，哎，")])
    outcome = asyncio.run(BreedingRun(small, tmp_path, children(2), lines, tries=1).breed(author))
    assert (outcome.kept, outcome.refusals["overlap"]) == (1, 1)


def test_a_broken_run_goes_on_and_pays_nothing_twice(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    class Dying(Author):
        async def write(self, *asked: Any) -> WrittenDraft:
            if len(self.asked) == 2:
                raise EngineError("断了。", "Gone.")
            return await super().write(*asked)

    with pytest.raises(EngineError):
        asyncio.run(BreedingRun(small, tmp_path, children(4), lines).breed(Dying(TEXTS)))
    assert len(rows(tmp_path / "drafts.jsonl")) == 2
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"birth": "b0003", "outc')  # as a killed process leaves it
    author = Author(TEXTS[2:])
    run = BreedingRun(small, tmp_path, children(4), lines)
    assert [child.id for child in run.waiting] == ["b0003", "b0004"]
    outcome = asyncio.run(run.breed(author))
    assert (outcome.kept, outcome.spent.calls) == (4, 4)
    assert [asked[0] for asked in author.asked] == ["b0003", "b0004"]
    assert [d["text"] for d in rows(tmp_path / "drafts.jsonl")] == list(TEXTS[:4])


@pytest.mark.parametrize(
    ("budget", "calls", "stopped"),
    [
        (Budget(calls=2), 2, "calls"),
        (Budget(tokens=400), 3, "tokens"),
        (Budget(money=0.0004, price_in=1.0, price_out=2.0), 2, "money"),
    ],
)
def test_the_budget_ends_a_run_and_outlives_it(
    small: Scenario, lines: list[Line], tmp_path: Path, budget: Budget, calls: int, stopped: str
) -> None:
    run = BreedingRun(small, tmp_path, children(6), lines, budget=budget)
    outcome = asyncio.run(run.breed(Author(TEXTS), parallel=1))
    assert (outcome.spent.calls, outcome.stopped) == (calls, stopped)
    again = BreedingRun(small, tmp_path, children(6), lines, budget=budget)
    assert asyncio.run(again.breed(Author(()))).spent.calls == calls


def test_parallel_calls_keep_to_the_budget(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    class Slow(Author):
        async def write(self, *asked: Any) -> WrittenDraft:
            await asyncio.sleep(0.01)
            return await super().write(*asked)

    run = BreedingRun(small, tmp_path, children(6), lines, budget=Budget(calls=4))
    assert asyncio.run(run.breed(Slow(TEXTS), parallel=3)).spent.calls == 4


def test_a_refused_draft_can_be_brought_back(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    asyncio.run(BreedingRun(small, tmp_path, children(1), lines, tries=1).breed(Author(["爸好"])))
    assert bring_back(small, tmp_path, ["b0001"]) == 1
    assert [draft["text"] for draft in rows(tmp_path / "drafts.jsonl")] == ["爸好"]
    assert rows(tmp_path / "aside.jsonl") == []
    assert BreedingRun(small, tmp_path, children(1), lines).waiting == []
    with pytest.raises(FencunError, match="b0009"):
        bring_back(small, tmp_path, ["b0009"])


def test_a_parent_that_is_not_there_is_named(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    with pytest.raises(FencunError, match="s1"):
        BreedingRun(small, tmp_path, children(1), lines[1:])


def test_a_cut_answer_is_no_draft(small: Scenario, lines: list[Line], tmp_path: Path) -> None:
    cut = json.dumps({"salutation": "爸", "detail": "", "text": TEXTS[0]}, ensure_ascii=False)
    engine = FakeEngine([cut.ljust(700)])  # a token is a character: the budget is used up
    breeder = ModelBreeder(engine, small)
    outcome = asyncio.run(BreedingRun(small, tmp_path, children(1), lines, tries=1).breed(breeder))
    assert (outcome.kept, outcome.refusals["form"]) == (0, 1)
