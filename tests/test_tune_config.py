"""The flat table of options: what it refuses, and that presets are made of it."""

from pathlib import Path

import pytest

from fencun.errors import FencunError
from fencun.tune.config import PRESETS, TuneConfig, from_mapping, read_config


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(FencunError, match="rate"):
        from_mapping({"ratee": 1e-4})


@pytest.mark.parametrize(
    ("key", "value"),
    [("rank", 0), ("batch", 0), ("look", 0), ("rate", float("nan")), ("plain", -0.1)],
)
def test_a_value_out_of_range_is_refused(key: str, value: float) -> None:
    with pytest.raises(FencunError, match=key):
        TuneConfig().replaced(**{key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("rank", "eight"), ("rank", 8.5), ("int8", "perhaps"), ("rate", True), ("base", 3)],
)
def test_a_value_of_the_wrong_kind_is_refused(key: str, value: object) -> None:
    with pytest.raises(FencunError, match=key):
        from_mapping({key: value})


@pytest.mark.parametrize("preset", list(PRESETS))
def test_presets_are_options(preset: str) -> None:
    options = from_mapping(dict(PRESETS[preset]))  # type: ignore[index]
    assert options.to_json() == from_mapping(options.to_json()).to_json()


def test_a_file_of_options(tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    path.write_text("rank: 4\nrate: 1.0e-4\n", encoding="utf-8")
    options = read_config(path, TuneConfig(layers=3))
    assert (options.rank, options.rate, options.layers) == (4, 1e-4, 3)


@pytest.mark.parametrize("text", ["- rank", "rank: [", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "options.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FencunError):
        read_config(path)
