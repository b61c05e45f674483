"""Target shares are read, and refused where they are wrong."""

from pathlib import Path

import pytest

from fencun.data.axes import axes
from fencun.data.targets import load_targets
from fencun.errors import ScenarioError
from fencun.scenario import Scenario


def test_the_shipped_targets_are_read(scenario: Scenario) -> None:
    targets = load_targets(scenario)
    for axis in axes(scenario):
        assert sum(targets.along(axis.name, axis.values).values()) == pytest.approx(1)
    assert not targets.allows({"relation": "客户", "style": "俏皮调侃"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shares: {mood: {好: 0.1}}", "mood"),
        ("shares: {length: {特长: 0.1}}", "特长"),
        ("shares: {length: {短: 0.8, 中: 0.8}}", "超过 1"),
        ("never: [{style: [严肃]}]", "严肃"),
        ("shares: [", "targets.yaml"),
    ],
)
def test_wrong_targets_are_refused(
    scenario: Scenario, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=said):
        load_targets(scenario, path)
