"""A plan fills what is thin, within its caps."""

from collections import Counter
from pathlib import Path

import pytest
from breed_case import SEEDS, TEXTS
from data_case import row, small_scenario, write

from fencun.data.breeding_plan import plan, read_plan, write_plan
from fencun.data.coverage import cell_of
from fencun.data.lines import Line, read_lines
from fencun.data.targets import Targets, load_targets
from fencun.errors import RecordError
from fencun.scenario import Scenario


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    return small_scenario(tmp_path / "scenario", SEEDS)


@pytest.fixture
def lines(small: Scenario) -> list[Line]:
    return read_lines([small.folder / "seeds.jsonl"], small).lines


def test_a_plan_fills_thin_cells_within_its_caps(scenario: Scenario) -> None:
    lines = read_lines([scenario.folder / "seeds.jsonl"], scenario).lines
    targets = load_targets(scenario)
    planned = plan(scenario, lines, targets, 400)
    assert len(planned) == 400
    assert plan(scenario, lines, targets, 400) == planned, "same input, same plan"
    by_id = {line.id: line for line in lines}
    for each in planned:
        assert each.values["relation"] == by_id[each.parent].brief.values["relation"]
        assert targets.allows(each.values)
        assert not (each.topic and each.typing == "空")
    relations = Counter(line.brief.values["relation"] for line in lines)
    relations.update(each.values["relation"] for each in planned)
    shares = targets.along("relation", relations)
    for relation, count in relations.items():
        assert abs(count - shares[relation] * 1048) < 1.01, "the thin are filled first"
    cells = [cell_of(line) for line in lines]
    cells += [{**b.values, "typing": b.typing, "tact": b.topic or "无"} for b in planned]
    aims = (("tact", "无", 0.88), ("typing", "空", 0.06), ("style", "真诚走心", 0.17))
    for axis, value, share in aims:
        have = sum(cell[axis] == value for cell in cells) / len(cells)
        assert have == pytest.approx(share, abs=0.02), (axis, value)
    assert max(Counter(each.parent for each in planned).values()) <= 8


def test_caps_bind(small: Scenario, lines: list[Line]) -> None:
    few = plan(small, lines, Targets(), 100, per_seed=2)
    assert Counter(each.parent for each in few) == {"s1": 2, "s2": 2, "s3": 2}
    spread = plan(small, lines, Targets(), 100, per_seed=90, per_cell=1)
    cells = Counter((b.values["relation"], b.values["occasion"]) for b in spread)
    assert set(cells.values()) == {1}
    assert ("父母", "小年") not in cells, "what is there counts"
    assert len(spread) == 2 * 13 - 2


def test_a_plan_file_comes_back_as_it_was(
    small: Scenario, lines: list[Line], tmp_path: Path
) -> None:
    planned = plan(small, lines, load_targets(small), 12)
    path = tmp_path / "plan.jsonl"
    write_plan(path, planned)
    assert read_plan(path, small) == planned
    for bent, said in (
        ({"relation": "火星人"}, "火星人"), ({"id": None}, "id"), ({"tact": "考砸"}, "考砸"),
        ({"extra": 1}, "不要别的"),
    ):  # fmt: skip
        write(path, [planned[0].to_row() | bent])
        with pytest.raises(RecordError, match=said):
            read_plan(path, small)


def test_ids_go_on_where_the_last_plan_ended(small: Scenario, lines: list[Line]) -> None:
    child = row("b0041", TEXTS[0], parent="s1", salutation="爸")
    path = write(small.folder / "drafts.jsonl", [child])
    known = [*lines, *read_lines([path], small).lines]
    assert plan(small, known, Targets(), 2)[0].id == "b0042"
