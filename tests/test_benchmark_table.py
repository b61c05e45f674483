"""Every benchmark in one table: what a ratio means, and that the guide shows what was kept."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from table import BENCHMARKS, RESULTS, measure, summary, table

DOCS = Path(__file__).parents[1] / "docs"
KEPT = sorted(RESULTS.glob("*.json"))


def test_a_ratio_is_above_one_where_we_are_better() -> None:
    slow_peer = summary("CPU s", [(2.0, 4.0), (1.0, 4.0), (4.0, 4.0)])
    assert slow_peer["ratio"] == {"least": 1.0, "median": 2.0, "most": 4.0}
    assert (slow_peer["ours"], slow_peer["theirs"], slow_peer["runs"]) == (2.0, 4.0, 3)
    assert summary("tokens/s", [(30.0, 40.0)])["ratio"] == dict.fromkeys(
        ("least", "median", "most"), 0.75
    )


def test_a_benchmark_runs_and_its_figures_stand_beside_its_peer() -> None:
    gates = next(each for each in BENCHMARKS if each.name == "gates")
    (figure,) = measure(replace(gates, arguments=("--lines", "50")), 1)
    assert (figure["what"], figure["peer"]) == ("gates", gates.peer)
    assert table({"figures": [figure]}).count("\n") == 2


@pytest.mark.parametrize("document", ["performance.md", "performance.zh-CN.md"])
@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_guide_shows_the_figures_that_were_kept(document: str, path: Path) -> None:
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert table(kept) in (DOCS / document).read_text(encoding="utf-8")
