"""Which larger bases a machine has room for, as ``fencun doctor`` tells it."""

import json

import pytest
from typer.testing import CliRunner

from fencun.cli import app_for, doctor
from fencun.models.catalog import catalog
from fencun.models.installed import path_of
from fencun.models.larger_bases import larger_bases, largest

GIB = 1 << 30


@pytest.mark.parametrize(
    ("gib", "best"),
    [(2, None), (4.4, None), (4.5, "qwen3-1.7b"), (8, "qwen3-8b"), (16, "qwen3-14b"),
     (24, "qwen3-32b")],
)  # fmt: skip
def test_the_largest_base_leaves_something_for_the_rest(gib: float, best: str | None) -> None:
    found = largest(larger_bases(int(gib * GIB)))
    assert (found.model.name if found else None) == best


def test_what_a_base_brings_is_reckoned_from_the_catalog() -> None:
    path = path_of(catalog().find("qwen3-4b"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")
    found = {fit.model.name: fit for fit in larger_bases(24 * GIB)}
    assert catalog().default not in found
    assert found["qwen3-4b"].parameters == pytest.approx(4 / 1.5)
    assert found["qwen3-4b"].reading == pytest.approx(2497280256 / 1117320768)
    assert [name for name, fit in found.items() if fit.fetched] == ["qwen3-4b"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_doctor_tells_the_bases_and_claims_nothing_of_their_quality(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_LANG", language)
    monkeypatch.setattr(doctor, "_memory", lambda: 8 * GIB)
    words = ["doctor", "--no-speed", "--json"]
    checks = json.loads(CliRunner().invoke(app_for(words), words).stdout)
    told = {check["name"]: check["told"] for check in checks}
    assert "8" in told["qwen3-8b"]
    assert ("跑不动" if language == "zh" else "does not run") in told["qwen3-14b"]
    last = told["更大的底座" if language == "zh" else "larger bases"]
    assert "fencun tune recipe --base qwen3-8b" in last
    assert ("要读过才知道" if language == "zh" else "only reading tells") in last
    assert all(check["ok"] is None for check in checks if check["name"].startswith("qwen3"))
