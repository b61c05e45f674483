"""Which lines are taken where there are more than asked."""

from collections import Counter
from pathlib import Path

from fencun.data.dataset import assemble
from fencun.data.split import PARTS
from fencun.scenario import Scenario


def own(scenario: Scenario) -> list[Path]:
    return [scenario.folder / "seeds.jsonl", scenario.folder / "drafts.jsonl"]


def test_exactly_the_size_asked_spread_over_the_cells(scenario: Scenario) -> None:
    made = assemble(scenario, own(scenario), size=1000)
    assert made.size == 1000
    spare = [aside for aside in made.aside if aside.findings[0].gate == "spare"]
    assert len(spare) == 3132 - 1000
    chosen = [sample for part in PARTS for sample in made.samples[part]]
    cells = Counter((s.brief["relation"], s.brief["occasion"]) for s in chosen)
    assert len(cells) == 338, "no cell of relation and occasion is empty"
    assert max(cells.values()) - min(cells.values()) <= 1
